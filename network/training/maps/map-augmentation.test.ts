import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '#network/model/random.ts';
import { parseRecipe } from '../recipe.ts';
import { mapAugmentationOf } from './map-augmentation.ts';

const SIZE = { height: 40, width: 60 };
const picture = { channels: 1, ...SIZE };
const recipeOf = (training: object, more: object = {}) =>
  parseRecipe(
    JSON.stringify({
      name: 'spots',
      description: 'where spots are',
      picture,
      layers: [{ kind: 'dense', units: 2 }],
      training: { epochs: 1, batch: 2, learningRate: 0.1, weightDecay: 0, ...training },
      ...more,
    }),
    'spots.json',
  );

/** A dark picture with a soft spot around a point given in pixels. */
function spotAt(x: number, y: number): Float32Array {
  return Float32Array.from({ length: SIZE.height * SIZE.width }, (_, i) => {
    const squares = ((i % SIZE.width) + 0.5 - x) ** 2 + (Math.floor(i / SIZE.width) + 0.5 - y) ** 2;
    return Math.exp(-squares / 8);
  });
}

/** Centre of mass in pixels. */
function middleOf(values: Float32Array): [number, number] {
  let [sum, x, y] = [0, 0, 0];
  values.forEach((value, i) => {
    sum += value;
    x += value * ((i % SIZE.width) + 0.5);
    y += value * (Math.floor(i / SIZE.width) + 0.5);
  });
  return [x / sum, y / sum];
}

describe('mapAugmentationOf', () => {
  it('moves places along with what is there, however it turns, scales, shears, shifts and mirrors', () => {
    const augmentation = { shift: 4, rotate: 12, scale: 0.15, shear: 0.1, mirror: true };
    const vary = mapAugmentationOf(recipeOf({ augmentation }));
    fc.assert(
      fc.property(
        fc.nat(1e6),
        fc.integer({ min: 20, max: 40 }),
        fc.integer({ min: 15, max: 25 }),
        (seed, x, y) => {
          const shown = spotAt(x, y);
          const place = { class: 0, x: x / SIZE.width, y: y / SIZE.height, width: 0.1, height: 0.2 };
          const [moved] = vary(shown, [place], new SeededRandom(seed));
          const [middleX, middleY] = middleOf(shown);
          expect(Math.hypot(moved!.x * SIZE.width - middleX, moved!.y * SIZE.height - middleY)).toBeLessThan(
            0.4,
          );
          expect(Math.abs(moved!.width / 0.1 - 1)).toBeLessThan(0.2);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('forgets what leaves the picture', () => {
    const vary = mapAugmentationOf(recipeOf({ augmentation: { shift: 5 } }));
    const edge = { class: 0, x: 0.001, y: 0.5, width: 0.1, height: 0.2 };
    const left = Array.from(
      { length: 20 },
      (_, seed) => vary(spotAt(1, 20), [edge], new SeededRandom(seed)).length,
    );
    expect(left).toContain(0);
    expect(left).toContain(1);
  });

  it('varies light without making motion where none is', () => {
    const vary = mapAugmentationOf(
      recipeOf(
        { augmentation: { light: true } },
        { task: 'count', labels: ['a', 'b'], picture: { channels: 2, ...SIZE, motion: { seconds: 5 } } },
      ),
    );
    const still = Float32Array.of(...spotAt(30, 20), ...new Float32Array(SIZE.height * SIZE.width));
    const before = still.slice();
    vary(still, [], new SeededRandom(3));
    expect(still.subarray(0, 2400)).not.toEqual(before.subarray(0, 2400));
    expect(still.subarray(2400).every((value) => value === 0)).toBe(true);
  });
});
