import { type RecorderOptions, recordAnswers } from '#agent/outbox/recorder.ts';
import { cameraOf } from './simulated-envelope.ts';

/**
 * Records an answer as the agent does, of a camera and a network that are left out: numbers, signature, outbox. Nobody keeps an opening of it.
 *
 * @returns whether the outbox promises to keep it
 */
export function recordSimulated(
  { ciphertext, bundle, frameTimeMs }: SimulatedAnswer,
  options: Omit<RecorderOptions, 'openings'>,
): Promise<boolean> {
  return recordAnswers(
    {
      answers: [
        {
          camera: cameraOf({ name: options.gateway }),
          ...{ frameTimeMs, preparedTimeMs: frameTimeMs, readyTimeMs: frameTimeMs },
          host: { kind: 'engine', bundle: { digest: bundle, manifest: { model: '' } } },
          timings: { prepareMs: 1, encryptMs: 1, evaluateMs: 1 },
        },
      ],
      ...{ ciphertext, opening: null },
    },
    { ...options, openings: { keep: () => ({ answer: '', bytes: 0, stored: Promise.resolve() }) } },
  );
}

type SimulatedAnswer = {
  readonly ciphertext: Uint8Array;
  /** Digest of the release that it names. */
  readonly bundle: string;
  readonly frameTimeMs: number;
};
