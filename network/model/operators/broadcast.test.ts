import { describe, expect, it } from 'vitest';
import { node } from '../../testing/small-graphs.ts';
import { broadcastBlocks, broadcastIndex } from './broadcast.ts';
import { Call } from './operator.ts';

const call = new Call(node('Add', ['a', 'b'], 'c'), 13, []);

describe('BroadcastBlocks', () => {
  it.each([
    { a: [2, 3, 4], b: [2, 3, 4], length: 24 },
    { a: [2, 3, 4, 5], b: [3, 1, 1], length: 20 },
    { a: [3, 1], b: [2, 1, 4], length: 4 },
    { a: [], b: [2, 3], length: 6 },
    { a: [2, 1, 3], b: [4, 1], length: 3 },
    { a: [1, 1], b: [1], length: 1 },
  ])('run along $a and $b in blocks of $length', ({ a, b, length }) => {
    const blocks = broadcastBlocks(call, a, b);
    expect(blocks.length).toBe(length);
    const walked = (starts: Int32Array, step: number): number[] =>
      [...starts].flatMap((start) => Array.from({ length }, (_, i) => start + i * step));
    expect(walked(blocks.startsA, blocks.stepA)).toEqual([...broadcastIndex(call, a, blocks.shape)]);
    expect(walked(blocks.startsB, blocks.stepB)).toEqual([...broadcastIndex(call, b, blocks.shape)]);
  });

  it('are none where the result is empty, however large it looks', () => {
    const { shape, startsA, startsB } = broadcastBlocks(call, [2 ** 26, 2 ** 26, 0], [1, 0]);
    expect(shape).toEqual([2 ** 26, 2 ** 26, 0]);
    expect([startsA.length, startsB.length]).toEqual([0, 0]);
  });
});
