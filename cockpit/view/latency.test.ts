import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { latencySplit } from './latency.ts';

const measured = { prepare: 10, encrypt: 20, evaluate: 300, transport: 15, decrypt: 5 };

describe('latencySplit', () => {
  it('shares the whole among the measured parts', () => {
    const split = latencySplit({ ...measured, total: 350 });
    expect(split.totalMs).toBe(350);
    expect(split.parts.map(({ key, durationMs }) => [key, durationMs])).toEqual(Object.entries(measured));
    expect(split.parts[2]?.share).toBeCloseTo(300 / 350);
  });

  it('shows the time that no part explains as waiting', () => {
    const waiting = latencySplit({ ...measured, total: 700 }).parts.at(-1);
    expect(waiting).toMatchObject({ key: 'waiting', durationMs: 350, share: 0.5 });
  });

  it('does not call rounding waiting', () => {
    expect(latencySplit({ ...measured, total: 352 }).parts).toHaveLength(5);
  });

  it('believes the parts where the total is too small', () => {
    expect(latencySplit({ ...measured, total: 100 }).totalMs).toBe(350);
  });

  it('has shares from 0 to 1 that sum to 1, or are all 0', () => {
    const duration = fc.double({ min: 0, max: 1e6, noNaN: true });
    const latency = fc.record({
      prepare: duration,
      encrypt: duration,
      evaluate: duration,
      transport: duration,
      decrypt: duration,
      total: duration,
    });
    fc.assert(
      fc.property(latency, (latencyMs) => {
        const { totalMs, parts } = latencySplit(latencyMs);
        const sum = parts.reduce((total, part) => total + part.share, 0);
        for (const part of parts) expect(part.share).toBeGreaterThanOrEqual(0);
        if (totalMs === 0) expect(sum).toBe(0);
        else expect(sum).toBeGreaterThan(0.98);
        expect(sum).toBeLessThanOrEqual(1.000001);
      }),
    );
  });
});
