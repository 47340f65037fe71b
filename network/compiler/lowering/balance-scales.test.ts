import { describe, expect, it } from 'vitest';
import { denseGraph, randomPictures } from '#network/testing/small-graphs.ts';
import { balanceScales } from './balance-scales.ts';
import { calibrateRanges } from './calibrate-ranges.ts';
import { lowerGraph, runStages } from './lower.ts';

const network = lowerGraph(denseGraph(3, [20, 12, 9, 4]));
const pictures = randomPictures(1, 30, 20);
const ranges = calibrateRanges(network, Float32Array.from(pictures.flatMap((picture) => [...picture])));

describe('BalanceScales', () => {
  it('leaves the answers as they are', () => {
    const balanced = balanceScales(network, ranges.activations);
    for (const picture of pictures) {
      const truth = runStages(network, picture);
      runStages(balanced, picture).forEach((value, i) => {
        expect(Math.abs(value - truth[i]!)).toBeLessThan(1e-12);
      });
    }
  });

  it('brings every square to the same range', () => {
    const wide = {
      ...network,
      stages: network.stages.map((stage) => ({ ...stage, weight: stage.weight.map((w) => 100 * w) })),
    };
    const all = Float32Array.from(pictures.flatMap((picture) => [...picture]));
    const before = calibrateRanges(wide, all);
    expect(Math.max(...before.activations)).toBeGreaterThan(100);
    const after = calibrateRanges(balanceScales(wide, before.activations), all);
    for (const range of after.activations) expect(range).toBeCloseTo(2.5, 6);
  });

  it.each([[[1]], [[1, 0]], [[1, Number.POSITIVE_INFINITY]]])('refuses the ranges %j', (given) => {
    expect(() => balanceScales(network, given)).toThrow('expected 2 positive numbers');
  });
});
