import type { PlotColumns } from './plot-columns.ts';

/** One column of a stacked plot: the upper edge of a label's band. */
export type Band = { readonly label: string; readonly edge: readonly (number | null)[] };

/**
 * The bands of a stacked plot, in drawing order: each band is painted from its edge down to zero, and the next one over
 * it. The last label lies at the bottom, the first (usually the one that means "nothing there") on top.
 *
 * @param top what rounding must not lift an edge over: 1 for probabilities, no bound for counts
 */
export function stackedBands(plot: PlotColumns, order: readonly string[], top = 1): readonly Band[] {
  const bottomUp = [...plot.labels.keys()].sort(
    (left, right) => order.indexOf(plot.labels[right] ?? '') - order.indexOf(plot.labels[left] ?? ''),
  );
  let below: readonly (number | null)[] = plot.times.map(() => 0);
  const bands = bottomUp.map((index) => {
    const column = plot.columns[index] ?? [];
    below = below.map((sum, at) => {
      const value = column[at];
      return sum === null || value === null || value === undefined ? null : Math.min(top, sum + value);
    });
    return { label: plot.labels[index] ?? '', edge: below };
  });
  return bands.reverse();
}

/** The bands of labels that hold each by itself: none stands on another, so the tallest is painted first. */
export function ownBands({ labels, columns }: PlotColumns): readonly Band[] {
  const sum = (edge: Band['edge']) => edge.reduce<number>((total, value) => total + (value ?? 0), 0);
  const bands = labels.map((label, index) => ({ label, edge: columns[index] ?? [] }));
  return bands.sort((a, b) => sum(b.edge) - sum(a.edge));
}

/** The uppermost number of a plot of counts: even, so that half of it is whole, and never so low that one thing fills the plot. */
export function countTop(bands: readonly Band[]): number {
  const most = bands.reduce(
    (top, { edge }) => edge.reduce<number>((high, value) => Math.max(high, value ?? 0), top),
    0,
  );
  const step = most <= 20 ? 2 : 10 ** Math.floor(Math.log10(most));
  return Math.max(4, Math.ceil(most / step) * step);
}
