import type { MapPoint } from '#vision/decode-map.ts';

type Cell = Pick<MapPoint, 'class' | 'row' | 'column'>;

/**
 * Whether two answers are the same but for a cell: as many points of each class, in pairs that are at most one row and one column apart.
 * Two points of one answer are farther apart than that (the `distance` of its decoding), so each has at most one partner; where they are not, the nearest is taken.
 */
export function samePoints(one: readonly Cell[], other: readonly Cell[]): boolean {
  if (one.length !== other.length) return false;
  const left = [...other];
  return one.every((point) => {
    const near = left
      .map((cell, i) => ({
        i,
        cell,
        rows: Math.abs(cell.row - point.row),
        columns: Math.abs(cell.column - point.column),
      }))
      .filter(({ cell, rows, columns }) => cell.class === point.class && rows <= 1 && columns <= 1)
      .sort((a, b) => a.rows + a.columns - b.rows - b.columns)[0];
    if (near === undefined) return false;
    left.splice(near.i, 1);
    return true;
  });
}
