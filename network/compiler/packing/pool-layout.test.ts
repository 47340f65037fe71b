import { describe, expect, it } from 'vitest';
import type { PoolStep } from '../lowering/steps.ts';
import { gridLayout } from './map-layouts.ts';
import { poolLayout } from './pool-layout.ts';
import { slotContents } from './slot-layout.ts';
import { sequentialLayout } from './vector-layouts.ts';

const SLOTS = 256;
const step: PoolStep = { kind: 'pool', source: 1, shape: [2, 4, 4], size: 2 };
const canvas = { pitch: 2, block: 4 };

/** The fold, on slot vectors. */
function fold(values: Float64Array, steps: readonly number[]): Float64Array {
  let sum = values;
  for (const distance of steps) sum = sum.map((value, i, all) => value + all[(i + distance) % all.length]!);
  return sum;
}

describe('PoolLayout', () => {
  it.each([
    ['phases beside each other', gridLayout(step.shape, SLOTS, canvas, { phases: 2, gap: 1 }, false), 32],
    [
      'phases on top',
      gridLayout(step.shape, SLOTS, canvas, { phases: 2, gap: 1, phasesOnTop: true }, false),
      8,
    ],
    ['values in their order', sequentialLayout(32, SLOTS, false), 32],
  ])('finds the sums of windows with %s', (_, input, period) => {
    const pooled = poolLayout(input!, step)!;
    expect(pooled.layout.period).toBe(period);
    const values = Float64Array.from(slotContents(input!), (value) => (value < 0 ? 0 : value + 1));
    const sums = fold(values, pooled.fold);
    slotContents(pooled.layout).forEach((window, slot) => {
      if (window < 0) return;
      const [c, y, x] = [window >> 2, (window >> 1) & 1, window & 1];
      const first = c * 16 + y * 8 + x * 2 + 1;
      expect(sums[slot]).toBe(4 * first + (1 + 4 + 5));
    });
  });

  it('refuses neighbors that stand at several distances', () => {
    const input = sequentialLayout(32, SLOTS, false)!;
    const at = input.at.slice();
    [at[30], at[31]] = [at[31]!, at[30]!];
    expect(poolLayout({ ...input, at }, step)).toBe(null);
  });
});
