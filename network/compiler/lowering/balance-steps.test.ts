import { describe, expect, it } from 'vitest';
import { randomStack } from '#network/testing/random-stack.ts';
import { denseGraph, randomPictures } from '#network/testing/small-graphs.ts';
import { balanceSteps } from './balance-steps.ts';
import { calibrateSteps } from './calibrate-steps.ts';
import { lowerSteps } from './lower-steps.ts';
import { runSteps } from './run-steps.ts';
import { type Step, scaledRegisters } from './steps.ts';

const PEAK = 2.5;

function joined(pictures: readonly Float32Array[]): Float32Array {
  return Float32Array.from(pictures.flatMap((picture) => [...picture]));
}

describe('BalanceSteps', () => {
  it.each([
    ['a chain of squares', denseGraph(3, [20, 12, 9, 4]), 20],
    ['a shortcut and pooling', randomStack(3, ['conv', 'residual', 'pool', 'dense']), 64],
  ])('leaves the answers of %s as they are, but for their unit', (_, graph, size) => {
    const network = lowerSteps(graph);
    const pictures = randomPictures(1, 30, size);
    const { activations, logits } = calibrateSteps(network, joined(pictures));
    const balanced = balanceSteps(network, activations, PEAK, 7);
    for (const picture of pictures) {
      const truth = runSteps(network, picture);
      runSteps(balanced, picture).forEach((value, i) => {
        expect(Math.abs(7 * value - truth[i]!)).toBeLessThan(1e-12 * Math.max(1, logits));
      });
    }
  });

  it('brings what every linear step makes to the same peak', () => {
    const network = lowerSteps(denseGraph(3, [20, 12, 9, 4]));
    const louder = (step: Step): Step =>
      step.kind === 'linear' ? { ...step, bias: step.bias.map((value) => 1000 * value) } : step;
    const loud = { ...network, steps: network.steps.map(louder) };
    const pictures = joined(randomPictures(1, 30, 20));
    const before = calibrateSteps(loud, pictures);
    expect(Math.max(...before.activations)).toBeGreaterThan(100);
    const after = calibrateSteps(balanceSteps(loud, before.activations, PEAK), pictures);
    expect(after.activations).toHaveLength(scaledRegisters(network).length);
    for (const range of after.activations) expect(range).toBeCloseTo(PEAK, 6);
  });
});
