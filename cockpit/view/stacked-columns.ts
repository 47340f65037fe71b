import type { PlotColumns } from './plot-columns.ts';

/** One column of a stacked plot: the upper edge of a label's band. */
export type Band = { readonly label: string; readonly edge: readonly (number | null)[] };

/**
 * The bands of a stacked plot, in drawing order: each band is painted from its edge down to zero, and the next one over
 * it. The last label lies at the bottom, the first (usually the one that means "nothing there") on top.
 */
export function stackedBands(plot: PlotColumns, order: readonly string[]): readonly Band[] {
  const bottomUp = [...plot.labels.keys()].sort(
    (left, right) => order.indexOf(plot.labels[right] ?? '') - order.indexOf(plot.labels[left] ?? ''),
  );
  let below: readonly (number | null)[] = plot.times.map(() => 0);
  const bands = bottomUp.map((index) => {
    const column = plot.columns[index] ?? [];
    below = below.map((sum, at) => {
      const value = column[at];
      return sum === null || value === null || value === undefined ? null : Math.min(1, sum + value);
    });
    return { label: plot.labels[index] ?? '', edge: below };
  });
  return bands.reverse();
}
