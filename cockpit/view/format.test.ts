import { describe, expect, it } from 'vitest';
import { plain } from '../testing/plain.ts';
import {
  formatAge,
  formatBytes,
  formatClock,
  formatCount,
  formatDuration,
  formatLabel,
  formatMoment,
  formatPercent,
  UNKNOWN,
} from './format.ts';

describe('formatAge', () => {
  it.each([
    [-5000, 'now'],
    [0, 'now'],
    [999, 'now'],
    [1000, '1 s'],
    [59_999, '59 s'],
    [60_000, '1 min'],
    [3_599_999, '59 min'],
    [3_600_000, '1 h'],
    [7_500_000, '2 h 5 min'],
    [86_399_999, '23 h 59 min'],
    [86_400_000, '1 d'],
    [86_400_000 * 9.5, '9 d'],
  ])('%d ms is %s', (span, text) => {
    expect(plain(formatAge(span))).toBe(text);
  });

  it('keeps number and unit on one line and says when it does not know', () => {
    expect(formatAge(3000)).toBe('3\u00a0s');
    expect(formatAge(Number.NaN)).toBe(UNKNOWN);
  });
});

describe('formatDuration', () => {
  it.each([
    [0, '0.0 ms'],
    [4.24, '4.2 ms'],
    [9.96, '10 ms'],
    [420.4, '420 ms'],
    [999.6, '1.0 s'],
    [2449, '2.4 s'],
    [12_600, '13 s'],
    [-1, UNKNOWN],
  ])('%d ms is %s', (duration, text) => {
    expect(plain(formatDuration(duration))).toBe(text);
  });
});

describe('numbers', () => {
  it('shows probabilities as whole percent', () => {
    expect(plain(formatPercent(0.97))).toBe('97 %');
    expect(plain(formatPercent(1))).toBe('100 %');
    expect(formatPercent(Number.NaN)).toBe(UNKNOWN);
  });

  it('groups counts by three', () => {
    expect([0, 999, 1000, 1_234_567].map((count) => plain(formatCount(count)))).toEqual([
      '0',
      '999',
      '1 000',
      '1 234 567',
    ]);
  });

  it('shows bytes in decimal units', () => {
    expect(
      [12, 4200, 420_000, 3_140_000, 31_400_000, 2_500_000_000].map((bytes) => plain(formatBytes(bytes))),
    ).toEqual(['12 B', '4 kB', '420 kB', '3.1 MB', '31 MB', '2.5 GB']);
  });

  it('shows the reader’s own time of day', () => {
    expect(formatClock(new Date(2026, 2, 1, 4, 5, 6).getTime())).toBe('04:05:06');
    expect(formatClock(Number.NaN)).toBe(UNKNOWN);
  });
});

describe('formatMoment', () => {
  const now = new Date(2026, 2, 1, 12).getTime();

  it('names the day only where it is not today', () => {
    expect(formatMoment(new Date(2026, 2, 1, 4, 5, 59).getTime(), now)).toBe('04:05');
    expect(plain(formatMoment(new Date(2026, 1, 28, 23, 59).getTime(), now))).toBe('28 Feb, 23:59');
    expect(formatMoment(Number.NaN, now)).toBe(UNKNOWN);
  });
});

describe('formatLabel', () => {
  it.each([
    ['person', 'Person'],
    ['person_at-table', 'Person at table'],
    ['', ''],
    ['éléphant', 'Éléphant'],
    ['<b>bold</b>', '<b>bold</b>'],
  ])('%s becomes %s', (label, words) => {
    expect(formatLabel(label)).toBe(words);
  });
});
