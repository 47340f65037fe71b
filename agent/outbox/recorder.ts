import type { KeyObject } from 'node:crypto';
import { type Envelope, encodeEnvelope } from '#protocol/envelope.ts';
import type { Answer } from '../inference/pipeline.ts';
import type { SessionCounter } from '../uplink/session-counter.ts';
import type { Outbox } from './outbox.ts';
import type { Sender } from './sender.ts';

export type RecorderOptions = {
  readonly site: string;
  readonly gateway: string;
  readonly signingKey: KeyObject;
  readonly sessions: SessionCounter;
  readonly outbox: Outbox;
  readonly sender: Sender;
};

const tenth = (ms: number): number => Math.round(ms * 10) / 10;

/**
 * Makes a signed envelope of an answer and stores it before anything is sent.
 *
 * @throws BlindsightError OUTBOX_UNAVAILABLE where the disk refuses
 */
export async function recordAnswer(answer: Answer, options: RecorderOptions): Promise<void> {
  const { site, gateway, signingKey, sessions, outbox, sender } = options;
  const { session, sequence } = sessions.take();
  const historical = !sender.live;
  const envelope: Envelope = {
    schema: 1,
    site,
    gateway,
    camera: answer.camera,
    ...(answer.regions !== undefined && { regions: answer.regions }),
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
  await outbox.append({ session, sequence, camera: answer.camera, historical, wire });
  sender.pump();
}
