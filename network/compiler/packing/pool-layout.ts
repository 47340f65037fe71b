import { type PoolStep, windowStarts } from '../lowering/steps.ts';
import type { SlotLayout } from './slot-layout.ts';

/** A pooled tensor: its layout, and the steps of the fold that makes it from the source. */
export type PooledLayout = { readonly layout: SlotLayout; readonly fold: readonly number[] };

/**
 * Layout of the window sums when neighbors are folded onto the first value of each window; null if neighbors are not at the same
 * distance everywhere. Other slots hold garbage.
 */
export function poolLayout(input: SlotLayout, step: PoolStep): PooledLayout | null {
  const { at, slots } = input;
  const width = step.shape[2];
  const starts = windowStarts(step);
  const distances: { readonly offset: number; readonly slots: number }[] = [];
  for (let bit = 1; bit < step.size; bit *= 2)
    for (const offset of [bit * width, bit]) distances.push({ offset, slots: at[offset]! - at[0]! });
  if (distances.some((distance) => distance.slots <= 0 || distance.slots >= slots)) return null;
  // The distance of every value of a window from its first is the sum over the bits of its row and column.
  for (let combination = 1; combination < 2 ** distances.length; combination++) {
    const chosen = distances.filter((_, i) => combination & (1 << i));
    const offset = chosen.reduce((sum, distance) => sum + distance.offset, 0);
    const expected = chosen.reduce((sum, distance) => sum + distance.slots, 0);
    if (starts.some((first) => at[first + offset]! - at[first]! !== expected)) return null;
  }
  const fold = distances.map((distance) => distance.slots).sort((a, b) => b - a);
  // A fold over the top bits of the period leaves the sum in all their positions.
  let { period } = input;
  for (const distance of fold) if (2 * distance === period) period = distance;
  const layout: SlotLayout = {
    ...input,
    name: `${input.name}, pooled`,
    at: starts.map((first) => at[first]! - (at[first]! % slots) + ((at[first]! % slots) % period)),
    period,
    foldLow: period,
    foldHigh: period,
    clean: false,
  };
  return { layout, fold };
}
