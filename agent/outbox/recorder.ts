import { createHash, type KeyObject } from 'node:crypto';
import { type Envelope, encodeEnvelope, type LaterAnswer } from '#protocol/envelope.ts';
import { BlindsightError } from '#protocol/errors.ts';
import type { Answer } from '../inference/pipeline.ts';
import type { Openings } from '../opening/openings.ts';
import type { SessionCounter } from '../uplink/session-counter.ts';
import type { AnswerTraces } from './answer-traces.ts';
import type { AnswersTogether } from './gatherer.ts';
import type { Outbox } from './outbox.ts';
import type { Sender } from './sender.ts';

export type RecorderOptions = {
  readonly site: string;
  readonly gateway: string;
  readonly signingKey: KeyObject;
  readonly sessions: Pick<SessionCounter, 'take'>;
  readonly outbox: Pick<Outbox, 'append'>;
  readonly openings: Pick<Openings, 'keep'>;
  readonly sender: Pick<Sender, 'live' | 'pump'>;
  /** Where some answers are traced. */
  readonly traces?: Pick<AnswerTraces, 'recorded'> | null;
};

/** What of an answer is recorded. */
type Recorded = Omit<AnswersTogether['answers'][number], 'host'> & {
  readonly host: Pick<Answer['host'], 'kind'> & {
    readonly bundle: Pick<Answer['host']['bundle'], 'digest'> & {
      readonly manifest: Pick<Answer['host']['bundle']['manifest'], 'model'>;
    };
  };
};

const tenth = (ms: number): number => Math.round(ms * 10) / 10;

const roundTimings = ({ prepareMs, encryptMs, evaluateMs }: Answer['timings']): Envelope['timings'] => ({
  prepareMs: tenth(prepareMs),
  encryptMs: tenth(encryptMs),
  evaluateMs: tenth(evaluateMs),
});

/**
 * Makes a signed envelope of an answer, or of several that were gathered, and stores it, its opening first, before anything is sent.
 *
 * @returns false if the disk refused it; the outbox has counted and reported that
 */
export async function recordAnswers(
  { answers, ...kept }: Omit<AnswersTogether, 'answers'> & { readonly answers: readonly Recorded[] },
  options: RecorderOptions,
): Promise<boolean> {
  const { site, gateway, signingKey, sessions, outbox, openings, sender } = options;
  const [answer, ...later] = answers as [Recorded, ...Recorded[]];
  const { others } = answer;
  const count = answers.length + (others?.length ?? 0);
  const { session, sequence } = sessions.take(count);
  const historical = !sender.live;
  const envelope: Envelope = {
    schema: later.length > 0 ? 3 : others === undefined ? 1 : 2,
    site,
    gateway,
    camera: answer.camera,
    ...(answer.regions !== undefined && { regions: answer.regions }),
    ...(others !== undefined && { others }),
    ...(later.length > 0 && { later: later.map(laterAnswer) }),
    session,
    sequence,
    frameTimeMs: answer.frameTimeMs,
    readyTimeMs: answer.readyTimeMs,
    bundle: answer.host.bundle.digest,
    interpreter: answer.host.kind,
    historical,
    timings: roundTimings(answer.timings),
    ciphertext: kept.ciphertext,
  };
  const wire = encodeEnvelope(envelope, signingKey);
  const digest = createHash('sha256').update(kept.ciphertext).digest('hex');
  const opening = kept.opening && openings.keep(digest, kept.opening);
  try {
    const { camera } = answer;
    const entry = await outbox.append({
      ...{ session, sequence, camera, answers: count, historical },
      ...{ wire, opening },
    });
    if (options.traces) options.traces.recorded(answers, entry);
  } catch (error) {
    if (error instanceof BlindsightError) return false;
    throw error;
  }
  sender.pump();
  return true;
}

function laterAnswer({ camera, regions, frameTimeMs, readyTimeMs, timings }: Recorded): LaterAnswer {
  return {
    camera,
    ...(regions !== undefined && { regions }),
    ...{ frameTimeMs, readyTimeMs, timings: roundTimings(timings) },
  };
}
