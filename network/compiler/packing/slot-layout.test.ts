import { describe, expect, it } from 'vitest';
import { type Affine, AffineBuilder, applyAffine } from '../linear/affine.ts';
import { fillDiagonals, findDiagonals } from './diagonals.ts';
import { evenBlocks, gridLayout, spreadGridLayout } from './map-layouts.ts';
import { foldOf, type SlotLayout, slotContents } from './slot-layout.ts';
import { reversedLayout, sequentialLayout, stridedLayout } from './vector-layouts.ts';

const SLOTS = 128;
const CANVAS = { pitch: 4, block: 16 };

/** `to` channels, each a weighted sum of all `from` channels, pixel by pixel. */
function mixing(from: number, to: number, pixels: number) {
  const builder = new AffineBuilder(from * pixels);
  for (let o = 0; o < to; o++)
    for (let p = 0; p < pixels; p++) {
      for (let i = 0; i < from; i++) builder.entry(i * pixels + p, 1 + o * from + i);
      builder.endRow(0);
    }
  return builder.build();
}

/** The content of every slot after the diagonals and the fold. */
function runLinear(affine: Affine, input: SlotLayout, output: SlotLayout, x: Float64Array): Float64Array {
  const slots = Float64Array.from(slotContents(input), (value) => (value < 0 ? 0 : x[value]!));
  const rotate = (v: Float64Array, step: number) => v.map((_, s) => v[(s + step) % SLOTS]!);
  const diagonals = findDiagonals(affine, input, output);
  const weights = fillDiagonals(affine, input, output, diagonals);
  let sum = new Float64Array(SLOTS);
  diagonals.forEach(({ step }, d) => {
    const moved = rotate(slots, step);
    sum = sum.map((value, s) => value + moved[s]! * weights[d]![s]!);
  });
  for (const step of foldOf(output)) {
    const moved = rotate(sum, step);
    sum = sum.map((value, s) => value + moved[s]!);
  }
  return sum;
}

describe('ReversedLayout', () => {
  const x = Float64Array.from({ length: 4 }, (_, i) => Math.sin(i + 1));

  it('reads a strided input in small steps and folds no further than its stride', () => {
    const input = stridedLayout(4, SLOTS, 32)!;
    const output = reversedLayout(3, SLOTS, 32)!;
    const affine = mixing(4, 3, 1);
    expect(findDiagonals(affine, input, output).map(({ step }) => step)).toEqual([0, 1, 2]);
    expect(foldOf(output)).toEqual([64, 32]);
    const sum = runLinear(affine, input, output, x);
    const truth = applyAffine(affine, x);
    // Every slot is accounted for: a copy of a value, or zero.
    slotContents(output).forEach((value, slot) => {
      expect(sum[slot]).toBeCloseTo(value < 0 ? 0 : truth[value]!, 9);
    });
  });

  it('is none where the values fill its period, or its period all slots', () => {
    expect(reversedLayout(5, SLOTS, 8)).toBe(null);
    expect(reversedLayout(3, SLOTS, SLOTS)).toBe(null);
  });
});

describe('StridedLayout', () => {
  it('sums over the slots between its values', () => {
    const input = sequentialLayout(4, SLOTS, true)!;
    const output = stridedLayout(3, SLOTS, 4)!;
    const affine = mixing(4, 3, 1);
    expect(findDiagonals(affine, input, output)).toHaveLength(1);
    const sum = runLinear(affine, input, output, Float64Array.of(1, 2, 3, 4));
    expect([0, 4, 8].map((slot) => sum[slot])).toEqual([...applyAffine(affine, [1, 2, 3, 4])]);
  });

  it('is none where its values need more slots than there are', () => {
    expect(stridedLayout(5, SLOTS, 32)).toBe(null);
  });
});

describe('GridLayout', () => {
  it('sums over gaps, so that channels in them need no distances of their own', () => {
    // 4 channels of 2 × 2 pixels in gaps of 2: one block of 16 slots. 2 channels come out.
    const input = gridLayout([4, 2, 2], SLOTS, CANVAS, { phases: 1, gap: 2 }, false)!;
    const plain = gridLayout([2, 2, 2], SLOTS, CANVAS, { phases: 1, gap: 2 }, false)!;
    const affine = mixing(4, 2, 4);
    expect(findDiagonals(affine, input, plain)).toHaveLength(6);
    const x = Float64Array.from({ length: 16 }, (_, i) => Math.sin(i + 1));
    const truth = applyAffine(affine, x);
    for (const [columns, rows, diagonals] of [
      [2, 1, 3],
      [1, 2, 4],
      [2, 2, 1],
    ] as const) {
      const drawing = { phases: 1, gap: 2, summed: { columns, rows } };
      const summed = gridLayout([2, 2, 2], SLOTS, CANVAS, drawing, true)!;
      expect(summed).toMatchObject({ clean: false, foldGaps: columns - 1 + 4 * (rows - 1) });
      expect(findDiagonals(affine, input, summed)).toHaveLength(diagonals);
      const sum = runLinear(affine, input, summed, x);
      for (let copy = 0; copy < SLOTS; copy += summed.period) {
        summed.at.forEach((slot, row) => {
          expect(sum[slot + copy]).toBeCloseTo(truth[row]!, 9);
        });
      }
    }
  });

  it('puts maps evenly into ciphertexts that each repeat them', () => {
    // 6 blocks of 16 slots: 8 with padding, or three times 2, of which a ciphertext of 128 slots holds four copies.
    expect(evenBlocks(6, 8)).toEqual([2]);
    expect(evenBlocks(40, 32)).toEqual([16, 8]);
    expect(evenBlocks(64, 32)).toEqual([]);
    const even = gridLayout([6, 3, 4], SLOTS, CANVAS, { phases: 1, gap: 1, blocks: 2 }, true)!;
    expect(even).toMatchObject({ ciphertexts: 3, period: 32, foldLow: 32, foldHigh: SLOTS });
    expect(new Set([...even.at].map((at) => Math.floor(at / SLOTS)))).toEqual(new Set([0, 1, 2]));
    expect(Math.max(...[...even.at].map((at) => at % SLOTS))).toBeLessThan(32);
  });
});

describe('SpreadGridLayout', () => {
  it('folds sums over the channels of a repeated input: fewer diagonals, the same answer', () => {
    // 2 channels of 3 × 4 pixels in blocks of 16 repeat every 32 of 128 slots; 4 channels come out.
    const input = gridLayout([2, 3, 4], SLOTS, CANVAS, { phases: 1, gap: 1 }, false)!;
    const plain = gridLayout([4, 3, 4], SLOTS, CANVAS, { phases: 1, gap: 1 }, false)!;
    const spread = spreadGridLayout([4, 3, 4], SLOTS, CANVAS, 1, 1)!;
    expect(spread).toMatchObject({ foldLow: 16, foldHigh: 32, clean: false });
    const affine = mixing(2, 4, 12);
    expect(findDiagonals(affine, input, plain)).toHaveLength(2);
    expect(findDiagonals(affine, input, spread)).toHaveLength(1);
    const x = Float64Array.from({ length: 24 }, (_, i) => Math.sin(i + 1));
    const sum = runLinear(affine, input, spread, x);
    const truth = applyAffine(affine, x);
    spread.at.forEach((slot, row) => {
      expect(sum[slot]).toBeCloseTo(truth[row]!, 9);
    });
  });

  it('is none where nothing would be folded or blocks are no power of two', () => {
    expect(spreadGridLayout([8, 3, 4], SLOTS, CANVAS, 1, 1)).toBe(null);
    expect(spreadGridLayout([2, 3, 4], SLOTS, { pitch: 4, block: 12 }, 1, 1)).toBe(null);
  });
});
