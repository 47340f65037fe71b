import { describe, expect, it } from 'vitest';
import { keyMoment } from './key-moment.ts';

const MINUTE_MS = 60_000;
const times = [0, 1, 2, 3, 10].map((minute) => minute * MINUTE_MS);

describe('keyMoment', () => {
  it('walks in minutes and stops at the ends', () => {
    expect(keyMoment('ArrowLeft', times, null, 0)).toBe(3 * MINUTE_MS);
    expect(keyMoment('ArrowLeft', times, 2 * MINUTE_MS, 0)).toBe(MINUTE_MS);
    expect(keyMoment('ArrowLeft', times, 0, 0)).toBe(0);
    expect(keyMoment('ArrowRight', times, 3 * MINUTE_MS, 0)).toBe(10 * MINUTE_MS);
    expect(keyMoment('ArrowRight', times, null, 0)).toBe(10 * MINUTE_MS);
  });

  it('jumps, and goes away', () => {
    expect(keyMoment('Home', times, null, 0)).toBe(0);
    expect(keyMoment('End', times, 0, 0)).toBe(10 * MINUTE_MS);
    expect(keyMoment('Escape', times, 0, 0)).toBeNull();
  });

  it('stays inside the hour that is shown', () => {
    expect(keyMoment('Home', times, null, MINUTE_MS + 1)).toBe(2 * MINUTE_MS);
    expect(keyMoment('ArrowLeft', times, 2 * MINUTE_MS, MINUTE_MS + 1)).toBe(2 * MINUTE_MS);
    expect(keyMoment('Home', times, null, 11 * MINUTE_MS)).toBeUndefined();
  });

  it('leaves other keys and an empty hour alone', () => {
    expect(keyMoment('Tab', times, 0, 0)).toBeUndefined();
    expect(keyMoment('ArrowLeft', [], null, 0)).toBeUndefined();
  });
});
