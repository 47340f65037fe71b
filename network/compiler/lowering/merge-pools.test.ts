import { describe, expect, it } from 'vitest';
import { randomStack } from '#network/testing/random-stack.ts';
import { convolutionalGraph, denseGraph, randomPictures } from '#network/testing/small-graphs.ts';
import { lowerSteps } from './lower-steps.ts';
import { mergePools } from './merge-pools.ts';
import { runSteps } from './run-steps.ts';

describe('MergePools', () => {
  it.each([
    ['a chain', convolutionalGraph(1), 99],
    ['pools after pools', randomStack(3, ['conv', 'pool', 'pool', 'dense']), 64],
    ['a shortcut after a pool', randomStack(3, ['conv', 'pool', 'residual', 'dense']), 64],
    ['branches that are joined', randomStack(3, ['conv', 'pool', 'inception', 'dense']), 64],
  ])('leaves the answers of %s as they are, without pools', (_, graph, size) => {
    const network = lowerSteps(graph);
    expect(network.steps.some(({ kind }) => kind === 'pool')).toBe(true);
    const merged = mergePools(network);
    expect(merged.steps.some(({ kind }) => kind === 'pool')).toBe(false);
    for (const picture of randomPictures(2, 3, size)) {
      const truth = runSteps(network, picture);
      runSteps(merged, picture).forEach((value, i) => {
        expect(Math.abs(value - truth[i]!)).toBeLessThan(1e-12 * Math.max(1, Math.abs(truth[i]!)));
      });
    }
  });

  it('leaves a network without pools alone', () => {
    const network = lowerSteps(denseGraph(3, [20, 12, 4]));
    expect(mergePools(network)).toBe(network);
  });
});
