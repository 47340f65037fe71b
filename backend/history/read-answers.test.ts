import { describe, expect, it } from 'vitest';
import type { Result } from '#protocol/messages.ts';
import { readAnswers } from './read-answers.ts';

const HOUR_MS = 3_600_000;

/** A store with answers at these seconds. */
function storeOf(answers: readonly (readonly [second: number, result: Partial<Result>])[]) {
  const rows = answers.map(([second, result]) => ({ frameMs: second * 1000, result: result as Result }));
  return {
    history: async (_: string, { sinceMs, beforeMs }: { sinceMs: number; beforeMs: number }, limit: number) =>
      rows.filter(({ frameMs }) => frameMs >= sinceMs && frameMs < beforeMs).slice(-limit),
    withheldTimes: async () => [],
  };
}

const read = (answers: Parameters<typeof storeOf>[0]) =>
  readAnswers(storeOf(answers), {
    camera: 'door',
    sinceMs: 10_000,
    untilMs: HOUR_MS,
    signal: new AbortController().signal,
  });

describe('a time line', () => {
  it('of labels has 1 for the label that was told, and every label', async () => {
    const line = await read([
      [11, { label: 'a', output: 'label' }],
      [12, { label: 'b', output: 'label' }],
    ]);
    expect(line).toMatchObject({ output: 'label', labels: ['b', 'a'], times: [11_000, 12_000] });
    expect(line.probabilities).toEqual([
      [0, 1],
      [1, 0],
    ]);
  });

  it('of events begins with the one that held then', async () => {
    const line = await read([
      [2, { label: 'a', output: 'event' }],
      [8, { label: 'b', output: 'event' }],
      [30, { label: 'a', output: 'event' }],
    ]);
    expect(line).toMatchObject({ output: 'event', labels: ['a', 'b'], times: [10_000, 30_000] });
    expect(line.probabilities).toEqual([
      [0, 1],
      [1, 0],
    ]);
    const still = await read([[2, { label: 'a', output: 'event' }]]);
    expect(still).toMatchObject({ output: 'event', labels: ['a'], times: [10_000], probabilities: [[1]] });
  });

  it('of probabilities has no output policy, and nothing from before', async () => {
    const line = await read([
      [2, { label: 'a', probabilities: { a: 1, b: 0 } }],
      [20, { label: 'a', probabilities: { a: 0.7, b: 0.3 } }],
    ]);
    expect(line).not.toHaveProperty('output');
    expect(line).toMatchObject({ labels: ['a', 'b'], times: [20_000], probabilities: [[0.7], [0.3]] });
  });

  it('of counts has them by label, and not what another network told before', async () => {
    const line = await read([
      [11, { label: 'a', probabilities: { a: 1, b: 0 } }],
      [12, { task: 'map', counts: { car: 2, person: 0 } }],
      [13, { task: 'map', counts: { car: 3, person: 1 } }],
    ]);
    expect(line).toMatchObject({
      task: 'map',
      labels: ['car', 'person'],
      times: [12_000, 13_000],
      counts: [
        [2, 3],
        [0, 1],
      ],
      probabilities: [],
    });
  });
});
