import { describe, expect, it } from 'vitest';
import type { History } from '#protocol/api.ts';
import { boundHistory } from '#protocol/thin-history.ts';
import { plotColumns } from './plot-columns.ts';

function lineOf(times: readonly number[]): History {
  const ones = times.map(() => 1);
  return { camera: 'c', labels: ['a'], times, probabilities: [ones], answers: ones, slotMs: 0, withheld: [] };
}

/** Times from 0 on, one each `paceMs`, without those in the given spans. */
function times(
  paceMs: number,
  untilMs: number,
  ...outages: readonly (readonly [number, number])[]
): number[] {
  return Array.from({ length: Math.floor(untilMs / paceMs) }, (_, index) => index * paceMs).filter(
    (time) => !outages.some(([from, to]) => time > from && time < to),
  );
}

/** Where the line is broken: last and next moment that is known. */
function breaks(history: History): (readonly [number, number])[] {
  const { times: at, columns } = plotColumns(history, 0);
  return columns[0]!.flatMap((value, index) => {
    if (value !== null) return [];
    return [[Math.floor(at[index - 2]! / 1000), Math.ceil(at[index + 1]! / 1000)] as const];
  });
}

describe('plotColumns', () => {
  it('holds an event until the next one, and the last one until the end', () => {
    const line: History = { ...lineOf([0, 600_000]), output: 'event' };
    expect(plotColumns(line, 900_000).times).toEqual([0, 599_999, 600_000, 900_000]);
    expect(plotColumns(line, 900_000).columns).toEqual([[1, 1, 1, 1]]);
  });

  it.each([
    ['ten answers a second', 100, 10_000],
    ['two answers a second', 500, 10_000],
    ['an answer each five seconds', 5000, 30_000],
    ['an answer each twenty seconds', 20_000, 100_000],
    ['an answer each three minutes', 180_000, 900_000],
  ])('breaks where a camera with %s was away, and nowhere else', (_, paceMs, awayMs) => {
    const from = 40 * paceMs * Math.ceil(20_000 / paceMs);
    const line = lineOf(times(paceMs, 3 * from, [from, from + awayMs]));
    expect(breaks(line)).toEqual([[from / 1000, (from + awayMs) / 1000]]);
    expect(breaks(lineOf(times(paceMs, 3 * from)))).toEqual([]);
  });

  it('breaks at outages of fifteen seconds in an hour of ten answers a second', () => {
    const outages = [600_000, 1_203_300, 3_001_000].map((from) => [from, from + 15_000] as const);
    const hour = boundHistory(lineOf(times(100, 3_600_000, ...outages)));
    expect(hour.slotMs).toBe(5000);
    const found = breaks(hour);
    expect(found).toHaveLength(3);
    for (const [index, [from, to]] of found.entries()) {
      expect(Math.abs(from - outages[index]![0] / 1000)).toBeLessThanOrEqual(5);
      expect(Math.abs(to - outages[index]![1] / 1000)).toBeLessThanOrEqual(5);
    }
    expect(breaks(boundHistory(lineOf(times(100, 3_600_000))))).toEqual([]);
  });

  it('judges each time by the pace that the camera had then', () => {
    const slow = times(20_000, 600_000);
    const fast = times(100, 60_000, [20_000, 26_000]).map((time) => 600_000 + time);
    expect(breaks(lineOf([...slow, ...fast]))).toEqual([[620, 626]]);
  });

  it('lets what an answer says hold for a while before a gap, so that a single one is seen', () => {
    const { times: at, columns } = plotColumns(lineOf([0, 600_000]), 0);
    expect(at).toEqual([0, 5000, 5001, 600_000]);
    expect(columns[0]).toEqual([1, 1, null, 1]);
  });
});
