import type { History } from '#protocol/api.ts';
import type { Store } from '../store/store.ts';

/** Points that one answer holds at most; a longer time shows its newest part. */
const MAX_POINTS = 20_000;

/** Probabilities of a camera over time, for a time line. Labels are those of the newest answer. */
export async function readHistory(store: Store, camera: string, sinceMs: number): Promise<History> {
  const rows = await store.results.history(camera, sinceMs, MAX_POINTS);
  const labels = Object.keys(rows.at(-1)?.result.probabilities ?? {});
  return {
    camera,
    labels,
    times: rows.map((row) => row.frameMs),
    probabilities: labels.map((label) => rows.map((row) => row.result.probabilities[label] ?? 0)),
  };
}
