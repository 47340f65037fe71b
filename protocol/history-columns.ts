import type { History } from './api.ts';
import type { Result } from './messages.ts';

/** For each label what a history tells at each time, probabilities or counts. */
export function historyColumns({ probabilities, counts }: History): readonly (readonly number[])[] {
  return counts ?? probabilities;
}

/** The part of a history that these columns are, with the task that they come from. */
export function withColumns(
  task: Result['task'],
  columns: readonly (readonly number[])[],
): Pick<History, 'task' | 'probabilities' | 'counts'> {
  if (task === 'count' || task === 'map') return { task, probabilities: [], counts: columns };
  return { ...(task !== undefined && { task }), probabilities: columns };
}

/** Whether answers of both tasks tell the same kind of number, so that one line can show both. */
export function tellAlike(one: Result['task'], other: Result['task']): boolean {
  const counts = (task: Result['task']) => task === 'count' || task === 'map';
  return counts(one) === counts(other);
}
