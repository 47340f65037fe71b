import { describe, expect, it } from 'vitest';
import { SeededRandom } from '#network/model/random.ts';
import { decodeMap } from '#vision/decode-map.ts';
import { fitNetwork } from '../fit-network.ts';
import { predict } from '../train.ts';
import { drawTarget } from './draw-target.ts';
import { mapObjective, mapScore } from './map-objective.ts';
import type { Place } from './place.ts';

const map = { classes: 2, height: 6, width: 8 };
const decoding = { ...map, threshold: 0.5, smoothing: 0, distance: 1.5, most: 64 };
const picture = { channels: 1, height: 24, width: 32 };
const learning = {
  map,
  spread: 0.8,
  countWeight: 0.2,
  presenceWeight: 2,
  decoding,
  augment: (_: Float32Array, places: readonly Place[]) => places,
};

/** Squares on a dark ground: bright ones are of class 0, dim ones of class 1. */
function squares(count: number, seed: number) {
  const random = new SeededRandom(seed);
  const size = picture.height * picture.width;
  const pictures = new Float32Array(count * size);
  const places = Array.from({ length: count }, (_, n) =>
    Array.from({ length: random.below(4) }, (): Place => {
      const kind = random.below(2);
      const [left, top] = [random.below(picture.width - 4), random.below(picture.height - 4)];
      for (let y = top; y < top + 4; y++) {
        for (let x = left; x < left + 4; x++)
          pictures[n * size + y * picture.width + x] = kind === 0 ? 1 : 0.4;
      }
      return { class: kind, x: (left + 2) / 32, y: (top + 2) / 24, width: 4 / 32, height: 4 / 24 };
    }),
  );
  return { picture, labels: ['bright', 'dim'], pictures, places };
}

describe('drawTarget', () => {
  it('puts summits where things are, which decoding finds again', () => {
    const target = new Float32Array(96);
    const places = [
      { class: 0, x: 0.21, y: 0.34, width: 0.1, height: 0.1 },
      { class: 1, x: 0.8, y: 0.7, width: 0.1, height: 0.1 },
    ];
    drawTarget(target, places, map, 0.8);
    const { points } = decodeMap(target, decoding);
    expect(points.map((point) => point.class)).toEqual([0, 1]);
    points.forEach((point, i) => {
      expect(Math.abs(point.x - places[i]!.x) * 8).toBeLessThan(0.2);
      expect(Math.abs(point.y - places[i]!.y) * 6).toBeLessThan(0.2);
    });
  });
});

describe('mapObjective', () => {
  it('has the gradients that differences say', () => {
    const data = squares(3, 5);
    const objective = mapObjective(data, data, learning);
    const random = new SeededRandom(1);
    const shown = new Float32Array(24 * 32);
    for (let n = 0; n < 3; n++) objective.draw(shown, n, n, random);
    const outputs = Float32Array.from({ length: 3 * 96 }, () => random.normal());
    const gradient = new Float32Array(outputs.length);
    objective.measure(outputs, gradient, 3);
    const scratch = new Float32Array(outputs.length);
    for (const i of [0, 47, 48, 100, 200, 287]) {
      const loss = (step: number) => {
        const changed = outputs.slice();
        changed[i]! += step;
        return objective.measure(changed, scratch, 3).loss / 3;
      };
      expect(gradient[i]).toBeCloseTo((loss(0.01) - loss(-0.01)) / 0.02, 3);
    }
  });

  it('teaches a small network with squares where things are, and which', async () => {
    const validation = squares(40, 9);
    const { network, curve } = await fitNetwork(
      [
        { kind: 'convolution', maps: 6, kernel: 8, stride: 4, padding: 2 },
        { kind: 'square' },
        { kind: 'convolution', maps: 2, kernel: 3, padding: 1 },
      ],
      mapObjective(squares(150, 4), validation, learning),
      { seed: 1, epochs: 16, batch: 10, learningRate: 0.01, weightDecay: 0 },
    );
    expect(curve.at(-1)!.validationScore).toBeGreaterThan(0.6);
    const answers = predict(network, validation, new Float32Array(24 * 32), 1);
    const { hits, found, there } = mapScore(answers, validation.places, decoding);
    expect((2 * hits) / (found + there)).toBeCloseTo(Math.max(...curve.map((one) => one.validationScore)), 6);
  });
});
