import { describe, expect, it } from 'vitest';
import { SeededRandom } from '#network/model/random.ts';
import { decodeMap } from '#vision/decode-map.ts';
import { drawTarget } from './draw-target.ts';
import { mapObjective } from './map-objective.ts';
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
    const place = (kind: number, x: number, y: number) => ({ class: kind, x, y, width: 0.1, height: 0.2 });
    const data = {
      ...{ picture, labels: ['bright', 'dim'] },
      pictures: new Float32Array(3 * 24 * 32),
      places: [[place(0, 0.3, 0.4), place(0, 0.35, 0.4), place(1, 0.9, 0.1)], [], [place(1, 0.5, 0.5)]],
    };
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
});
