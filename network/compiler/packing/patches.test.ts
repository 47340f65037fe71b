import { describe, expect, it } from 'vitest';
import { type Affine, AffineBuilder } from '../linear/affine.ts';
import { chooseParameters } from './choose-parameters.ts';
import { planPatches } from './patches.ts';
import type { SlotLayout } from './slot-layout.ts';

const { cost } = chooseParameters(3);
const slots = 4096;
const positions = 900;

/** 8 maps of 900 values, each the sum of 100 pixels; `apart`: every second map sees another picture. */
function maps(apart: boolean): Affine {
  const builder = new AffineBuilder(8000);
  for (let map = 0; map < 8; map++) {
    for (let position = 0; position < positions; position++) {
      for (let tap = 0; tap < 100; tap++)
        builder.entry((apart ? 4000 * (map % 2) : 0) + position + 30 * tap, 1);
      builder.endRow(0);
    }
  }
  return builder.build();
}

/** Maps in blocks of 1024 slots, four in each ciphertext. */
const layout: SlotLayout = {
  name: 'blocks',
  slots,
  ciphertexts: 2,
  at: Int32Array.from(
    { length: 8 * positions },
    (_, row) => Math.floor(row / positions) * 1024 + (row % positions),
  ),
  period: slots,
  foldLow: slots,
  foldHigh: slots,
  clean: true,
};

describe('PlanPatches', () => {
  it('encrypts what all ciphertexts read alike once, with as many taps as there are blocks', () => {
    expect(planPatches(maps(false), layout, 3, cost, true)).toMatchObject({
      shared: true,
      blocks: 4,
      patches: 25,
      steps: [1024, 2048, 3072],
    });
  });

  it('mixes no taps where the step reads something else, too', () => {
    expect(planPatches(maps(false), layout, 3, cost, false)).toMatchObject({
      shared: true,
      blocks: 1,
      patches: 100,
    });
  });

  it('turns blocks only where they read alike', () => {
    // Ciphertexts are alike: each has the same maps, but its own blocks differ.
    const plan = planPatches(maps(true), layout, 3, cost, true);
    expect(plan).toMatchObject({ shared: true, blocks: 2, patches: 50, steps: [2048] });
    const swapped = {
      ...layout,
      at: layout.at.map((at) => (at >= slots ? slots + ((at + 1024) % slots) : at)),
    };
    expect(planPatches(maps(true), swapped, 3, cost, true)).toMatchObject({ shared: false, blocks: 1 });
  });
});
