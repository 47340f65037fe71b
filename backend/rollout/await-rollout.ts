import type { RolloutSummary } from '#protocol/api.ts';
import type { Clock } from '#runtime/clock.ts';
import type { Store } from '../store/store.ts';
import { viewRollout } from './rollout-views.ts';

export type AwaitRolloutOptions = {
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onLook: (rollout: RolloutSummary) => void;
};

const PACE_MS = 250;

/**
 * Waits until a rollout has ended. Looks into the store, which the running backend writes.
 *
 * @returns the rollout as it is then; not ended where the time is over
 * @throws AbortError
 */
export async function awaitRollout(
  store: Store,
  id: number,
  { timeoutMs, clock, signal, onLook }: AwaitRolloutOptions,
): Promise<RolloutSummary> {
  const begin = clock.monotonic();
  for (;;) {
    const view = await viewRollout(store, (await store.rollouts.get(id))!);
    onLook(view);
    const waitedMs = clock.monotonic() - begin;
    if (view.ended !== null || waitedMs >= timeoutMs) return view;
    await clock.sleep(Math.min(PACE_MS, timeoutMs - waitedMs), signal);
  }
}
