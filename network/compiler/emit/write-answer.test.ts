import { describe, expect, it } from 'vitest';
import { loadNetwork } from '#network/model/description/load-network.ts';
import { denseGraph } from '#network/testing/small-graphs.ts';
import { sketchNetwork } from '../compile.ts';
import { RESULT_RING_DEGREE } from '../compile-limits.ts';

const ringOf = (...words: Parameters<typeof sketchNetwork>) =>
  sketchNetwork(...words).program.resultRing?.ringDegree;

describe('an answer', () => {
  it.each(['counter', 'carpark', 'e2dm', 'cryptonets'])('of %s travels in the small ring', async (name) => {
    const { graph } = await loadNetwork(name);
    expect(ringOf(graph, name)).toBe(RESULT_RING_DEGREE);
  });

  it.each([
    [[256, 3], 1],
    [[256, 16, 3], 1],
    [[784, 8, 10], 4],
    [[784, 8, 1000], 1],
  ])('of dense layers %j with %i regions travels there, too', (sizes, regions) => {
    expect(ringOf(denseGraph(1, sizes), 'dense', regions)).toBe(RESULT_RING_DEGREE);
  });

  it.each([
    ['where a tiny network lays it out without repeating it', [16, 8, 3], 1],
    ['of regions with more outputs than the small ring has slots', [784, 8, 1000], 4],
  ])('stays in the ring of the weights %s', (_, sizes, regions) => {
    const { program } = sketchNetwork(denseGraph(1, sizes), 'dense', regions);
    expect(program.resultRing).toBeUndefined();
    expect(program.instructions.at(-1)!.op).toBe('output');
  });
});
