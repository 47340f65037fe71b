import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { History } from './api.ts';
import { boundHistory, thinHistory } from './thin-history.ts';

/** An hour of two labels at ten answers a second, `event` at one single moment. */
function hourAtTen(event: number): History {
  const times = Array.from({ length: 36_000 }, (_, index) => 1_000_000_000 + index * 100);
  const person = times.map((_, index) => (index === event ? 0.97 : (index % 7) / 100));
  return lineOf(times, [person.map((value) => 1 - value), person]);
}

function lineOf(times: readonly number[], probabilities: readonly (readonly number[])[]): History {
  const labels = probabilities.map((_, index) => `label-${index}`);
  const answers = times.map(() => 1);
  return { camera: 'door', labels, times, probabilities, answers, slotMs: 0, withheld: [] };
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

describe('boundHistory', () => {
  it('leaves a short line as it is', () => {
    const line = lineOf([1, 2, 3], [[1, 0, 1]]);
    expect(boundHistory(line)).toBe(line);
  });

  it.each([0, 1, 17_777, 35_999])('keeps one answer of 36 000 that differs: number %d', (event) => {
    const hour = hourAtTen(event);
    const thinned = boundHistory(hour);
    expect(thinned.slotMs).toBe(5000);
    expect(thinned.times.length).toBeLessThan(3000);
    const at = thinned.times.indexOf(hour.times[event]!);
    expect(thinned.probabilities[1]![at]).toBe(0.97);
    expect(sum(thinned.answers)).toBe(36_000);
    // The hour is there from its first slot to its last.
    expect(thinned.times[0]! - hour.times[0]!).toBeLessThan(5000);
    expect(hour.times.at(-1)! - thinned.times.at(-1)!).toBeLessThan(5000);
  });

  it('keeps of counts those with the most and the fewest in all', () => {
    const times = Array.from({ length: 36_000 }, (_, index) => 1_000_000_000 + index * 100);
    const cars = times.map((_, index) => (index === 700 ? 9 : index === 701 ? 0 : 4));
    const { probabilities: _, ...line } = lineOf(times, [cars, times.map(() => 1)]);
    const thinned = boundHistory({
      ...line,
      ...{ task: 'map', probabilities: [], counts: [cars, times.map(() => 1)] },
    });
    expect(thinned.times.length).toBeLessThan(3000);
    const at = (index: number) => thinned.counts![0]![thinned.times.indexOf(times[index]!)];
    expect([at(700), at(701)]).toEqual([9, 0]);
    expect(sum(thinned.answers)).toBe(36_000);
    expect(thinned.probabilities).toEqual([]);
  });

  it('bounds the size also where every label is the answer all the time', () => {
    const times = Array.from({ length: 20_000 }, (_, index) => index * 100);
    const many = Array.from({ length: 100 }, (_, label) =>
      times.map((_, index) => (index % 100 === label ? 0.5 : 0.005)),
    );
    const thinned = boundHistory(lineOf(times, many));
    expect(JSON.stringify(thinned).length).toBeLessThan(500_000);
    expect(sum(thinned.answers)).toBe(20_000);
  });

  it('thins real answers only, counts each once, and adds up when done again', () => {
    const pauses = fc.array(
      fc.tuple(fc.integer({ min: 1, max: 900 }), fc.double({ min: 0, max: 1, noNaN: true })),
      {
        maxLength: 60,
      },
    );
    fc.assert(
      fc.property(pauses, fc.constantFrom(200, 1000, 5000), (steps, slotMs) => {
        let time = 0;
        const times = steps.map(([pause]) => (time += pause));
        const first = steps.map(([, value]) => value);
        const line = lineOf(times, [first, first.map((value) => 1 - value)]);
        const once = thinHistory(line, slotMs);
        for (const [index, at] of once.times.entries()) {
          expect(once.probabilities[0]![index]).toBe(first[times.indexOf(at)]);
        }
        expect(sum(once.answers)).toBe(times.length);
        expect(once.answers.every((answers) => answers >= 1)).toBe(true);
        expect([...once.times]).toEqual([...once.times].sort((a, b) => a - b));
        const twice = thinHistory(once, slotMs);
        expect(twice.times).toEqual(once.times);
        expect(sum(thinHistory(once, 2 * slotMs).answers)).toBe(times.length);
      }),
    );
  });
});
