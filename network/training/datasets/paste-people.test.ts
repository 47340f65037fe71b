import { describe, expect, it } from 'vitest';
import type { Dataset } from '#network/model/dataset.ts';
import { SeededRandom } from '#network/model/random.ts';
import { emptyScene, pastePeople } from './paste-people.ts';

const picture = { channels: 1, height: 20, width: 40 };
const PERSON = { width: 2, height: 6 };

/** A gradient of light, in which one bright person walks from left to right; at both ends nobody is there. */
function walk(): { dataset: Dataset; boxes: { x: number; y: number; width: number; height: number }[][] } {
  const pictures = new Float32Array(30 * 800);
  const boxes = Array.from({ length: 30 }, (_, n) => (n < 5 || n >= 25 ? [] : [{ x: n, y: 8, ...PERSON }]));
  for (let n = 0; n < 30; n++) {
    for (let at = 0; at < 800; at++) {
      const [x, y] = [at % 40, Math.floor(at / 40)];
      const inside = boxes[n]!.some((box) => x >= box.x && x < box.x + 2 && y >= box.y && y < box.y + 6);
      pictures[n * 800 + at] = inside ? 0.9 : x / 100;
    }
  }
  const classes = Uint8Array.from(boxes, (list) => list.length);
  return { dataset: { picture, labels: ['0', '1', '2', '3+'], pictures, classes }, boxes };
}

describe('PastePeople', () => {
  it('finds the empty scene', () => {
    const scene = emptyScene(walk().dataset);
    scene.forEach((value, at) => {
      expect(value).toBeCloseTo((at % 40) / 100, 6);
    });
  });

  it('makes as many of each class, with so many people to be seen', () => {
    const { dataset, boxes } = walk();
    const made = pastePeople(dataset, boxes, 200, new SeededRandom(1));
    expect([0, 1, 2, 3].map((label) => made.classes.filter((one) => one === label).length)).toEqual([
      50, 50, 50, 50,
    ]);
    const scene = emptyScene(dataset);
    const changed = [...made.classes].map(
      (_, n) => scene.filter((value, at) => Math.abs(value - made.pictures[n * 800 + at]!) > 0.05).length,
    );
    made.classes.forEach((label, n) => {
      // A person is twelve pixels, less where two overlap or the border cuts, more with a bystander.
      expect(changed[n]!).toBeLessThanOrEqual(12 * (label + (label === 3 ? 2 : 1)));
      if (label === 1) expect(changed[n]!).toBeGreaterThanOrEqual(3);
    });
    const typical = (label: number): number => {
      const counts = changed.filter((_, n) => made.classes[n] === label);
      return counts.reduce((sum, one) => sum + one, 0) / counts.length;
    };
    expect(typical(0)).toBeLessThan(6);
    expect(typical(1)).toBeGreaterThan(typical(0) + 6);
    expect(typical(2)).toBeGreaterThan(typical(1) + 6);
    expect(typical(3)).toBeGreaterThan(typical(2) + 6);
  });

  it('lets people look both ways, and stand out more or less', () => {
    const { dataset, boxes } = walk();
    // Everybody's left column is lit, the right one is not.
    boxes.forEach(([box], n) => {
      if (box === undefined) return;
      for (let y = box.y; y < box.y + 6; y++) dataset.pictures[n * 800 + y * 40 + box.x + 1] = 0.5;
    });
    const scene = emptyScene(dataset);
    const made = pastePeople(dataset, boxes, 200, new SeededRandom(1));
    const seen = { left: 0, right: 0 };
    const strengths: number[] = [];
    for (let n = 1; n < 200; n += 4) {
      const difference = made.pictures
        .subarray(n * 800, (n + 1) * 800)
        .map((value, at) => value - scene[at]!);
      const brightest = difference.indexOf(Math.max(...difference));
      const beside = [difference[brightest - 1]!, difference[brightest + 1]!];
      if (beside[1]! > 0.05 && beside[0]! < 0.05) seen.left++;
      if (beside[0]! > 0.05 && beside[1]! < 0.05) seen.right++;
      strengths.push(difference[brightest]!);
    }
    expect(seen.left).toBeGreaterThan(10);
    expect(seen.right).toBeGreaterThan(10);
    // In the clip a person is 0.66 to 0.85 brighter than the background.
    expect(Math.min(...strengths)).toBeLessThan(0.6);
    expect(Math.max(...strengths)).toBeGreaterThan(0.87);
  });

  it('is the same for the same seed, and keeps values in [0, 1]', () => {
    const { dataset, boxes } = walk();
    const first = pastePeople(dataset, boxes, 20, new SeededRandom(7));
    expect(pastePeople(dataset, boxes, 20, new SeededRandom(7))).toEqual(first);
    expect(pastePeople(dataset, boxes, 20, new SeededRandom(8))).not.toEqual(first);
    expect(Math.max(...first.pictures)).toBeLessThanOrEqual(1);
  });

  it('gives empty scenes where nobody is boxed', () => {
    const { dataset } = walk();
    const made = pastePeople(
      dataset,
      dataset.labels.map(() => []),
      8,
      new SeededRandom(1),
    );
    expect([...made.classes]).toEqual(new Array(8).fill(0));
  });
});
