import { describe, expect, it } from 'vitest';
import { denseGraph, randomPictures } from '#network/testing/small-graphs.ts';
import { calibrateSteps } from './calibrate-steps.ts';
import { lowerSteps } from './lower-steps.ts';
import { runRegisters } from './run-steps.ts';

describe('CalibrateSteps', () => {
  it('finds the largest magnitude before each square and in the logits', () => {
    const network = lowerSteps(denseGraph(3, [20, 12, 4]));
    const pictures = randomPictures(1, 5, 20);
    const ranges = calibrateSteps(network, Float32Array.from(pictures.flatMap((picture) => [...picture])));
    const largest = (register: number): number =>
      Math.max(
        ...pictures.flatMap((picture) => [...runRegisters(network, picture)[register]!]).map(Math.abs),
      );
    expect(ranges).toEqual({ activations: [largest(1)], logits: largest(3) });
  });
});
