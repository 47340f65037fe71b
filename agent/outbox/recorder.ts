import { createHash, type KeyObject } from 'node:crypto';
import { type Envelope, encodeEnvelope } from '#protocol/envelope.ts';
import { BlindsightError } from '#protocol/errors.ts';
import type { Answer } from '../inference/pipeline.ts';
import type { Openings } from '../opening/openings.ts';
import type { SessionCounter } from '../uplink/session-counter.ts';
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
};

/** What of an answer is recorded. */
type Recorded = Omit<Answer, 'host'> & {
  readonly host: Pick<Answer['host'], 'kind'> & { readonly bundle: Pick<Answer['host']['bundle'], 'digest'> };
};

const tenth = (ms: number): number => Math.round(ms * 10) / 10;

/**
 * Makes a signed envelope of an answer and stores it, its opening first, before anything is sent.
 *
 * @returns false if the disk refused it; the outbox has counted and reported that
 */
export async function recordAnswer(answer: Recorded, options: RecorderOptions): Promise<boolean> {
  const { site, gateway, signingKey, sessions, outbox, openings, sender } = options;
  const { others } = answer;
  const answers = 1 + (others?.length ?? 0);
  const { session, sequence } = sessions.take(answers);
  const historical = !sender.live;
  const envelope: Envelope = {
    schema: others === undefined ? 1 : 2,
    site,
    gateway,
    camera: answer.camera,
    ...(answer.regions !== undefined && { regions: answer.regions }),
    ...(others !== undefined && { others }),
    session,
    sequence,
    frameTimeMs: answer.frameTimeMs,
    readyTimeMs: answer.readyTimeMs,
    bundle: answer.host.bundle.digest,
    interpreter: answer.host.kind,
    historical,
    timings: {
      prepareMs: tenth(answer.timings.prepareMs),
      encryptMs: tenth(answer.timings.encryptMs),
      evaluateMs: tenth(answer.timings.evaluateMs),
    },
    ciphertext: answer.ciphertext,
  };
  const wire = encodeEnvelope(envelope, signingKey);
  const digest = createHash('sha256').update(answer.ciphertext).digest('hex');
  const opening = answer.opening && openings.keep(digest, answer.opening);
  try {
    await outbox.append({ session, sequence, camera: answer.camera, answers, historical, wire, opening });
  } catch (error) {
    if (error instanceof BlindsightError) return false;
    throw error;
  }
  sender.pump();
  return true;
}
