import { describe, expect, it } from 'vitest';
import { runClear } from '#fhe/design';
import { denseGraph, randomPictures } from '#network/testing/small-graphs.ts';
import { lowerSteps } from '../lowering/lower-steps.ts';
import { runSteps } from '../lowering/run-steps.ts';
import { planNetwork } from '../packing/plan-network.ts';
import { fillConstants } from './fill-constants.ts';
import { writeProgram } from './write-program.ts';

describe('FillConstants', () => {
  it('fills a program that is written once with whatever weights its architecture has', () => {
    const [first, second] = [3, 4].map((seed) => lowerSteps(denseGraph(seed, [20, 300, 60, 5])));
    const planned = planNetwork(first!, { regions: 8 });
    const kinds = [...planned.plan.linear.values()].map(({ schedule }) => schedule.kind);
    expect(new Set(kinds)).toEqual(new Set(['hoisted', 'baby-giant']));
    const { verified, recipes, expected } = writeProgram(planned, 'try');
    const pictures = randomPictures(4, 8, 20);
    for (const network of [first!, second!]) {
      const truth = pictures.flatMap((picture) => [...runSteps(network, picture)]);
      const constants = fillConstants(recipes, { ...planned, network });
      const slots = runClear(verified, constants, Float32Array.from(pictures.flatMap((p) => [...p])));
      expected.forEach((logit, slot) => {
        if (logit >= 0) expect(slots[slot]! / truth[logit]!).toBeCloseTo(1, 6);
      });
    }
  });
});
