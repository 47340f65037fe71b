import { describe, expect, it } from 'vitest';
import { denseGraph, randomPictures } from '#network/testing/small-graphs.ts';
import { calibrateRanges } from './calibrate-ranges.ts';
import { lowerGraph, runStages } from './lower.ts';

describe('CalibrateRanges', () => {
  it('finds the largest magnitude before each square and in the logits', () => {
    const network = lowerGraph(denseGraph(3, [20, 12, 4]));
    const pictures = randomPictures(1, 5, 20);
    const ranges = calibrateRanges(network, Float32Array.from(pictures.flatMap((picture) => [...picture])));
    const logits = pictures.flatMap((picture) => [...runStages(network, picture)]);
    const first = pictures.flatMap((picture) => [
      ...runStages({ ...network, stages: network.stages.slice(0, 1) }, picture),
    ]);
    expect(ranges.logits).toBe(Math.max(...logits.map(Math.abs)));
    expect(ranges.activations).toEqual([Math.max(...first.map(Math.abs))]);
  });
});
