import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cameraLadder, linkLadder, RetryLadder } from './retry.ts';

describe('RetryLadder', () => {
  it('keeps every wait within its step, jitter included, and stays on the last step', () => {
    const steps = fc.array(fc.integer({ min: 1, max: 100_000 }), { minLength: 1, maxLength: 10 });
    const draws = fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 1 });
    fc.assert(
      fc.property(steps, draws, (steps, draws) => {
        const random = draws.values();
        const ladder = new RetryLadder(steps, () => random.next().value ?? 0);
        draws.forEach((_, i) => {
          const step = steps[Math.min(i, steps.length - 1)]!;
          const wait = ladder.next();
          expect(wait).toBeGreaterThanOrEqual(step / 2);
          expect(wait).toBeLessThanOrEqual(step);
        });
      }),
    );
  });

  it('still jitters on the last step', () => {
    const ladder = new RetryLadder([1000]);
    const waits = new Set(Array.from({ length: 50 }, () => ladder.next()));
    expect(waits.size).toBeGreaterThan(40);
  });

  it('starts again after a reset', () => {
    const ladder = new RetryLadder([10, 1000], () => 0);
    expect([ladder.next(), ladder.next(), ladder.next()]).toEqual([5, 500, 500]);
    ladder.reset();
    expect(ladder.next()).toBe(5);
  });

  it('refuses to have no steps', () => expect(() => new RetryLadder([])).toThrow(RangeError));
});

describe('the ladders', () => {
  const climb = (ladder: RetryLadder, times: number) => Array.from({ length: times }, () => ladder.next());

  it('of cameras ends at a minute after twenty attempts', () => {
    const waits = climb(
      cameraLadder(() => 0.999999),
      22,
    ).map(Math.round);
    expect(waits.slice(0, 5)).toEqual([1000, 1000, 1000, 1000, 1000]);
    expect(waits.slice(19)).toEqual([10_000, 60_000, 60_000]);
  });

  it('of the link ends at half a minute', () => {
    expect(
      climb(
        linkLadder(() => 0),
        8,
      ),
    ).toEqual([250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000]);
  });
});
