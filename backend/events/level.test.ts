import { describe, expect, it } from 'vitest';
import { holdLevel, type Level, setLevel, zeroLevel } from './level.ts';

const DAMPING = { beginMs: 1000, endMs: 5000 };

/** The levels after each value, `[ms, value]`; null: time passes. */
function levels(
  steps: readonly (readonly [ms: number, value: number | null])[],
  damping = DAMPING,
): number[] {
  let now: Level = zeroLevel(0);
  return steps.map(([ms, value]) => {
    now = holdLevel(now, ms, damping);
    if (value !== null) now = setLevel(now, value, ms, damping);
    return now.level;
  });
}

describe('a level', () => {
  it('rises where the value holds long enough, and tells since when', () => {
    let now = setLevel(zeroLevel(0), 1, 500, DAMPING);
    now = setLevel(holdLevel(now, 1400, DAMPING), 1, 1400, DAMPING);
    expect(now.level).toBe(0);
    now = setLevel(holdLevel(now, 1500, DAMPING), 1, 1500, DAMPING);
    expect([now.level, now.sinceMs]).toEqual([1, 500]);
    now = setLevel(now, 0, 2000, DAMPING);
    expect(now.level).toBe(1);
    now = holdLevel(now, 7000, DAMPING);
    expect([now.level, now.sinceMs]).toEqual([0, 2000]);
  });

  it('does not rise for a flash, nor fall for a flicker', () => {
    expect(
      levels([
        [100, 1],
        [200, 0],
        [300, 1],
        [900, 0],
        [5000, null],
      ]),
    ).toEqual([0, 0, 0, 0, 0]);
    expect(
      levels([
        [0, 1],
        [1000, 1],
        [2000, 0],
        [6900, 1],
        [7000, 0],
        [11_900, null],
      ]),
    ).toEqual([0, 1, 1, 1, 1, 1]);
  });

  it('works with one answer in ten seconds, since a value holds until the next', () => {
    expect(
      levels([
        [0, 1],
        [1000, null],
        [10_000, 1],
        [20_000, 0],
        [25_000, null],
      ]),
    ).toEqual([0, 1, 1, 1, 0]);
  });

  it('needs no time where none is wanted', () => {
    expect(
      levels(
        [
          [5, 1],
          [6, 0],
          [7, 2],
          [7, 0],
        ],
        { beginMs: 0, endMs: 0 },
      ),
    ).toEqual([1, 0, 2, 0]);
  });

  it('counts only what is sure: the least of a rise and the most of a fall', () => {
    expect(
      levels([
        [0, 3],
        [500, 2],
        [1000, 3],
      ]),
    ).toEqual([0, 0, 2]);
    expect(
      levels([
        [0, 4],
        [1000, 4],
        [2000, 1],
        [3000, 2],
        [7000, 1],
      ]),
    ).toEqual([0, 4, 4, 4, 2]);
  });

  it('overlooks short breaks of a rise where grace is given', () => {
    const damping = { beginMs: 10_000, endMs: 0, graceMs: 1000 };
    expect(
      levels(
        [
          [0, 1],
          [4000, 0],
          [4900, 1],
          [9900, 1],
          [10_000, 1],
        ],
        damping,
      ),
    ).toEqual([0, 0, 0, 0, 1]);
    expect(
      levels(
        [
          [0, 1],
          [4000, 0],
          [5100, 1],
          [10_000, 1],
          [15_100, 1],
        ],
        damping,
      ),
    ).toEqual([0, 0, 0, 0, 1]);
    expect(
      levels(
        [
          [0, 1],
          [9900, 0],
          [10_500, null],
        ],
        damping,
      ),
      'not during a break',
    ).toEqual([0, 0, 0]);
  });

  it('never goes back in time', () => {
    let now = setLevel(zeroLevel(10_000), 1, 10_000, DAMPING);
    now = setLevel(holdLevel(now, 2000, DAMPING), 1, 2000, DAMPING);
    expect([now.level, now.atMs]).toEqual([0, 10_000]);
  });
});
