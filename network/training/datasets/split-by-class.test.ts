import { describe, expect, it } from 'vitest';
import type { Dataset } from '#network/model/dataset.ts';
import { splitByClass } from './split-by-class.ts';

/** Sorted by class; the value of a picture is its number. */
function sorted(counts: readonly number[]): Dataset {
  const classes = Uint8Array.from(counts.flatMap((count, label) => new Array<number>(count).fill(label)));
  return {
    picture: { channels: 1, height: 1, width: 1 },
    labels: counts.map(String),
    pictures: Float32Array.from(classes.keys()),
    classes,
  };
}

const countsOf = (dataset: Dataset) =>
  dataset.labels.map((_, label) => dataset.classes.filter((one) => one === label).length);

describe('splitByClass', () => {
  it('takes its share of every class of a data set that is sorted by class', () => {
    const { training, validation } = splitByClass(sorted([100, 20, 300]), 0.1, 1);
    expect(countsOf(validation)).toEqual([10, 2, 30]);
    expect(countsOf(training)).toEqual([90, 18, 270]);
    expect([...training.pictures, ...validation.pictures].sort((a, b) => a - b)).toEqual([
      ...sorted([420]).pictures,
    ]);
  });

  it('draws the same for the same seed, others for another, and not the end', () => {
    const drawn = (seed: number) => [...splitByClass(sorted([50, 50]), 0.2, seed).validation.pictures];
    expect(drawn(4)).toEqual(drawn(4));
    expect(drawn(5)).not.toEqual(drawn(4));
    expect(drawn(4).slice(0, 10)).not.toEqual([40, 41, 42, 43, 44, 45, 46, 47, 48, 49]);
  });

  it('leaves every class something to learn from, and to test where there are two', () => {
    const { training, validation } = splitByClass(sorted([1, 2, 0, 3]), 0.05, 1);
    expect(countsOf(training)).toEqual([1, 1, 0, 2]);
    expect(countsOf(validation)).toEqual([0, 1, 0, 1]);
  });
});
