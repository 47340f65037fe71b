import type { EventCode } from '#protocol/events.ts';
import type { Reason, RolloutRecord, RolloutState } from '../store/rollouts.ts';
import type { Store } from '../store/store.ts';
import { titleOf } from './title-of.ts';

type Ended = Exclude<RolloutState, 'running' | 'paused'>;

const EVENT: Readonly<Record<Ended, EventCode>> = {
  done: 'ROLLOUT_DONE',
  failed: 'ROLLOUT_FAILED',
  aborted: 'ROLLOUT_ABORTED',
  'timed-out': 'ROLLOUT_TIMED_OUT',
};

/**
 * Ends a rollout, whatever it is doing, and says so in the journal. Call it in a transaction.
 *
 * @returns false where it had ended before
 */
export async function endRollout(
  store: Store,
  rollout: RolloutRecord,
  state: Ended,
  why: string | null,
  timeMs: number,
): Promise<boolean> {
  const error: Reason | null = why === null ? null : { code: EVENT[state], message: why };
  const stopped = {
    code: 'ROLLOUT_STOPPED' satisfies EventCode,
    message: `rollout ${rollout.id} ended before: ${state}`,
  };
  const released = state === 'aborted' ? 'left' : 'timed-out';
  if (!(await store.rollouts.end(rollout.id, state, error, { released, stopped }, timeMs))) return false;
  await store.journal.add({
    timeMs,
    level: state === 'done' ? 'info' : 'warn',
    code: EVENT[state],
    subject: `rollout ${rollout.id}`,
    message: `rollout ${rollout.id} of ${titleOf(rollout)}: ${state}${why === null ? '' : `: ${why}`}`,
  });
  return true;
}
