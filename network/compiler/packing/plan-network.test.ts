import { describe, expect, it } from 'vitest';
import { randomStack } from '#network/testing/random-stack.ts';
import { denseGraph } from '#network/testing/small-graphs.ts';
import { lowerSteps } from '../lowering/lower-steps.ts';
import { mergePools } from '../lowering/merge-pools.ts';
import { planNetwork, planSteps } from './plan-network.ts';

describe('PlanNetwork', () => {
  it('makes pools steps of their own, or part of the next layer, whichever is worth less', () => {
    const network = lowerSteps(randomStack(3, ['conv', 'pool', 'conv', 'dense']));
    const values = [planSteps(network), planSteps(mergePools(network))].map(({ plan }) => plan.value);
    expect(values[0]).not.toBe(values[1]);
    expect(planNetwork(network).plan.value).toBe(Math.min(...values));
  });

  it('gives each of several regions its part of the slots, in a larger ring where the logits need it', () => {
    const network = lowerSteps(denseGraph(2, [20, 6, 1500]));
    const planned = [1, 2, 4].map((regions) => planNetwork(network, { regions }));
    expect(planned.map(({ literal }) => literal.ringDegree)).toEqual([8192, 8192, 16384]);
    expect(planned.map(({ plan }) => plan.layouts.at(-1)!.slots)).toEqual([4096, 2048, 2048]);
  });
});
