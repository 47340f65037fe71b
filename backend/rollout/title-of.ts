import type { RolloutRecord } from '../store/rollouts.ts';

/** What a rollout releases, as a person reads it: "counter version 3". */
export function titleOf({ target, undoes }: Pick<RolloutRecord, 'target' | 'undoes'>): string {
  return target === null ? `what ran before rollout ${undoes}` : `${target.name} version ${target.version}`;
}
