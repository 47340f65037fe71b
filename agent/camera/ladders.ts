import type { CameraState } from '#protocol/messages.ts';
import { cameraLadder, RetryLadder } from '#runtime/retry.ts';

/** A ladder for each cause; `failed` serves the causes that have none of their own. */
export type CameraLadders = Readonly<
  Partial<Record<CameraState['state'], () => RetryLadder>> & { failed: () => RetryLadder }
>;

/** Nothing changes by itself soon, and many cameras lock an account after a handful of wrong passwords. */
const patient = () => new RetryLadder([10_000, 30_000, 60_000]);

/** The camera is there but needs to be set up by a person: neither hammered nor forgotten. */
const steady = () => new RetryLadder([5_000, 5_000, 10_000, 10_000, 10_000, 30_000]);

export const cameraLadders: CameraLadders = {
  failed: () => cameraLadder(),
  unauthorized: patient,
  'not-found': steady,
  'no-video': steady,
  'bad-stream': steady,
};
