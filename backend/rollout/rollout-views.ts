import type { RolloutSummary, RolloutView } from '#protocol/api.ts';
import type { RolloutGatewayState, RolloutRecord } from '../store/rollouts.ts';
import type { Store } from '../store/store.ts';
import { titleOf } from './title-of.ts';

type Tally = ReadonlyMap<RolloutGatewayState, number>;

/** Rollouts that have not ended, the oldest first. */
export async function openRollouts(store: Store): Promise<RolloutSummary[]> {
  return summarize(store, await store.rollouts.open());
}

/** The newest rollouts first. */
export async function listRollouts(store: Store, limit = 100): Promise<RolloutSummary[]> {
  return summarize(store, await store.rollouts.list(limit));
}

async function summarize(store: Store, rollouts: readonly RolloutRecord[]): Promise<RolloutSummary[]> {
  const tallies = await store.rollouts.tallies(rollouts.map(({ id }) => id));
  return rollouts.map((rollout) => {
    const own = tallies.filter((one) => one.rollout === rollout.id);
    return summaryOf(rollout, new Map(own.map(({ state, count }) => [state, count])));
  });
}

/** A rollout with its gateways. */
export async function viewRollout(store: Store, rollout: RolloutRecord): Promise<RolloutView> {
  const rows = await store.rollouts.gateways(rollout.id);
  const tally = new Map<RolloutGatewayState, number>();
  for (const { state } of rows) tally.set(state, (tally.get(state) ?? 0) + 1);
  return {
    ...summaryOf(rollout, tally),
    limitSeconds: rollout.limitMs / 1000,
    maxFailures: rollout.maxFailures,
    each: rows.map(({ gateway, wave, target, earlier, state, error, releasedMs, deadlineMs, endedMs }) => ({
      ...{ gateway, wave, target, earlier, state, error },
      released: time(releasedMs),
      deadline: time(deadlineMs),
      ended: time(endedMs),
    })),
  };
}

function summaryOf(rollout: RolloutRecord, tally: Tally): RolloutSummary {
  const { id, kind, target, author, undoes, state, error, wave, waves } = rollout;
  const count = (which: RolloutGatewayState) => tally.get(which) ?? 0;
  return {
    ...{ id, kind, title: titleOf(rollout), target, author, undoes, state, error, wave, waves },
    gateways: {
      waiting: count('waiting'),
      released: count('released'),
      done: count('done'),
      failed: count('failed'),
      timedOut: count('timed-out'),
      skipped: count('skipped'),
      left: count('left'),
    },
    created: time(rollout.createdMs)!,
    deadline: time(rollout.deadlineMs)!,
    pausedSince: time(rollout.pausedMs),
    ended: time(rollout.endedMs),
  };
}

const time = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());
