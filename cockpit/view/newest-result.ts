import type { CameraView } from '#protocol/api.ts';
import type { Result } from '#protocol/messages.ts';

/** The camera's answer, or the newest of its regions' answers; null if there is none. */
export function newestResult({ result, regions }: Pick<CameraView, 'result' | 'regions'>): Result | null {
  const all = [result, ...regions.map((shown) => shown.result)].filter((one) => one !== null);
  return all.reduce<Result | null>(
    (newest, one) => (newest === null || one.frameTime > newest.frameTime ? one : newest),
    null,
  );
}
