import { describe, expect, it } from 'vitest';
import { randomStack } from '#network/testing/random-stack.ts';
import { denseGraph } from '#network/testing/small-graphs.ts';
import { lowerSteps } from '../lowering/lower-steps.ts';
import type { Step } from '../lowering/steps.ts';
import { planNetwork } from '../packing/plan-network.ts';
import { writeProgram } from './write-program.ts';

/** A step without its numbers. */
function emptied(step: Step): Step {
  if (step.kind !== 'linear') return step;
  const terms = step.terms.map(({ source, affine }) => ({
    source,
    affine: { ...affine, weight: affine.weight.map(() => Number.NaN) },
  }));
  return { ...step, terms, bias: step.bias.map(() => Number.NaN) };
}

describe('WriteProgram', () => {
  it.each([
    ['a chain', denseGraph(3, [30, 16, 5])],
    ['pools, shortcuts and baby steps', randomStack(3, ['conv', 'pool', 'residual', 'dense'])],
  ])('looks at no weight of %s, from the first plan on', (_, graph) => {
    const network = lowerSteps(graph);
    const written = writeProgram(planNetwork(network), 'try');
    const blind = writeProgram(planNetwork({ ...network, steps: network.steps.map(emptied) }), 'try');
    expect(blind).toEqual(written);
    expect(written.recipes).toHaveLength(written.verified.program.constants.length);
  });

  it('refuses more logits than one answer has slots for', () => {
    const planned = planNetwork(lowerSteps(denseGraph(2, [4, 2100])));
    expect(() => writeProgram(planned, 'try')).toThrow('2100 logits do not fit the 2048 slots of one answer');
  });
});
