import { describe, expect, it } from 'vitest';
import { RareLines } from './rare-lines.ts';
import { SimulatedClock } from './simulated-clock.ts';

describe('RareLines', () => {
  it('lets one line a minute through for each key, with how many there were', async () => {
    const clock = new SimulatedClock();
    const lines = new RareLines(clock);
    expect([lines.take('a'), lines.take('a'), lines.take('b'), lines.take('a')]).toEqual([1, 0, 1, 0]);
    await clock.advance(59_999);
    expect(lines.take('a')).toBe(0);
    await clock.advance(1);
    expect([lines.take('a'), lines.take('b'), lines.take('a')]).toEqual([4, 1, 0]);
  });

  it('forgets where there are too many keys', () => {
    const lines = new RareLines(new SimulatedClock());
    for (let key = 0; key < 1024; key++) expect(lines.take(String(key))).toBe(1);
    expect(lines.take('0')).toBe(0);
    expect(lines.take('new')).toBe(1);
    expect(lines.take('0')).toBe(1);
  });
});
