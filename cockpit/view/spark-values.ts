import type { SiteLines } from '#protocol/api.ts';
import { isIdleLabel } from '#protocol/situation.ts';

/** By camera, the most of anything in each slot, whatever label or region it was; null where nothing is known. */
export function sparkValues({
  lines,
}: Pick<SiteLines, 'lines'>): ReadonlyMap<string, readonly (number | null)[]> {
  const found = new Map<string, readonly (number | null)[]>();
  for (const { camera, labels, answers, most } of lines) {
    const columns = most.filter((_, index) => !isIdleLabel(labels[index] ?? ''));
    const own = answers.map((count, slot) =>
      count === 0 ? null : columns.reduce((top, column) => Math.max(top, column[slot] ?? 0), 0),
    );
    const before = found.get(camera);
    found.set(camera, before === undefined ? own : own.map((value, slot) => larger(value, before[slot])));
  }
  return found;
}

function larger(left: number | null, right: number | null | undefined): number | null {
  if (left === null || right == null) return left ?? right ?? null;
  return Math.max(left, right);
}
