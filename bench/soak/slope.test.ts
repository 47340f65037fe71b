import { expect, it } from 'vitest';
import { hourlyGrowth, type Reading } from './slope.ts';

const readings = (minutes: number, value: (minute: number, turn: number) => number): Reading[] =>
  Array.from({ length: minutes * 6 }, (_, i) => ({
    timeMs: i * 10_000,
    value: value(i / 6, i % 6),
  }));

it('tells growth by the hour', () => {
  expect(hourlyGrowth(readings(10, (minute) => 100 + minute))).toBeCloseTo(60);
  expect(hourlyGrowth(readings(10, () => 100))).toBe(0);
});

it('does not take for growth what is collected within a minute', () => {
  expect(hourlyGrowth(readings(10, (_, turn) => 100 + 50 * turn))).toBe(0);
  expect(hourlyGrowth(readings(10, (minute, turn) => 100 + Math.floor(minute) + 50 * turn))).toBeCloseTo(60);
});

it('says nothing of what was looked at too shortly', () => {
  expect(hourlyGrowth(readings(2, (minute) => minute))).toBeNull();
  expect(hourlyGrowth([])).toBeNull();
});
