import { describe, expect, it } from 'vitest';
import { AffineBuilder } from '../linear/affine.ts';
import { fillDiagonals, findDiagonals } from './diagonals.ts';
import { foldOf, gridLayout, slotContents, spreadGridLayout } from './slot-layout.ts';

const SLOTS = 128;
const CANVAS = { pitch: 4, block: 16 };

/** `to` channels, each the sum of all `from` channels times different weights, pixel by pixel. */
function mixing(from: number, to: number, pixels: number) {
  const builder = new AffineBuilder(from * pixels);
  for (let o = 0; o < to; o++)
    for (let p = 0; p < pixels; p++) {
      for (let i = 0; i < from; i++) builder.entry(i * pixels + p, 1 + o * from + i);
      builder.endRow(0);
    }
  return builder.build();
}

describe('SpreadGridLayout', () => {
  it('folds sums over the channels of a repeated input: fewer diagonals, the same answer', () => {
    // 2 channels of 3 × 4 pixels in blocks of 16 repeat every 32 of 128 slots; 4 channels come out.
    const input = gridLayout([2, 3, 4], SLOTS, CANVAS, { phases: 1, gap: 1 }, false)!;
    const plain = gridLayout([4, 3, 4], SLOTS, CANVAS, { phases: 1, gap: 1 }, false)!;
    const spread = spreadGridLayout([4, 3, 4], SLOTS, CANVAS, 1, 1)!;
    expect(spread).toMatchObject({ foldLow: 16, foldHigh: 32, clean: false });
    const affine = mixing(2, 4, 12);
    expect(findDiagonals(affine, input, plain)).toHaveLength(2);
    const diagonals = findDiagonals(affine, input, spread);
    expect(diagonals).toHaveLength(1);

    const x = Float64Array.from({ length: 24 }, (_, i) => Math.sin(i + 1));
    const slots = Float64Array.from(slotContents(input), (value) => (value < 0 ? 0 : x[value]!));
    const [weights] = fillDiagonals(affine, input, spread, diagonals);
    const rotate = (v: Float64Array, step: number) => v.map((_, s) => v[(s + step) % SLOTS]!);
    let sum = rotate(slots, diagonals[0]!.step).map((value, s) => value * weights![s]!);
    for (const step of foldOf(spread)) {
      const moved = rotate(sum, step);
      sum = sum.map((value, s) => value + moved[s]!);
    }
    spread.at.forEach((slot, row) => {
      let truth = 0;
      for (let e = affine.start[row]!; e < affine.start[row + 1]!; e++)
        truth += affine.weight[e]! * x[affine.column[e]!]!;
      expect(sum[slot]).toBeCloseTo(truth, 9);
    });
  });

  it('is none where nothing would be folded or blocks are no power of two', () => {
    expect(spreadGridLayout([8, 3, 4], SLOTS, CANVAS, 1, 1)).toBe(null);
    expect(spreadGridLayout([2, 3, 4], SLOTS, { pitch: 4, block: 12 }, 1, 1)).toBe(null);
  });
});
