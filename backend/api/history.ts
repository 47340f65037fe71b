import type { History } from '#protocol/api.ts';
import type { Store } from '../store/store.ts';

/** Points that one answer holds at most; a longer time shows its newest part. */
const MAX_POINTS = 20_000;

/** What a time line is about. */
export type HistoryRequest = {
  readonly camera: string;
  /** A named region; the whole picture where left out. */
  readonly region?: string;
  readonly sinceMs: number;
};

/** Probabilities of a camera or region over time, for a time line. Labels are those of the newest answer. */
export async function readHistory(store: Store, request: HistoryRequest): Promise<History> {
  const { camera, region, sinceMs } = request;
  const rows = await store.results.history(camera, sinceMs, MAX_POINTS, region);
  const labels = Object.keys(rows.at(-1)?.result.probabilities ?? {});
  return {
    camera,
    ...(region !== undefined && { region }),
    labels,
    times: rows.map((row) => row.frameMs),
    probabilities: labels.map((label) => rows.map((row) => row.result.probabilities[label] ?? 0)),
  };
}
