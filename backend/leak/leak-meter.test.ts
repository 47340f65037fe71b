import { describe, expect, it } from 'vitest';
import type { ModelRecord } from '../store/models.ts';
import { unnoticedAnswers } from './leak-bits.ts';
import { LeakMeter } from './leak-meter.ts';

const model = (labels: number) =>
  ({
    output: { output: 'rounded', step: 0.05 },
    interpretation: {
      labels: Array.from({ length: labels }, (_, i) => `label-${i}`),
      task: 'labels',
      expected: Array.from({ length: 1024 }, (_, i) => (i < labels ? i : -1)),
      range: 9,
    },
  }) as unknown as ModelRecord;
const gathered = (count: number) => ({
  interpreter: 'engine' as const,
  later: Array.from({ length: count - 1 }, () => ({ camera: 'door' }) as never),
});

describe('LeakMeter', () => {
  const meter = new LeakMeter({ share: 0.02, lateShare: 0.02 });

  it('counts gathered answers as audited so much more rarely, as a lie in one may be a lie in all', () => {
    const few = model(4);
    const opened = meter.leastShare(few, 4);
    expect(opened).toBeLessThan(1);
    expect(meter.measure(few, gathered(4), 4).share).toBeCloseTo(Math.max(opened, 0.02) / 4, 12);
  });

  it('counts none as unnoticed where all are opened', () => {
    const many = model(30);
    expect(meter.leastShare(many, 32)).toBe(1);
    const { share } = meter.measure(many, gathered(32), 32);
    expect(unnoticedAnswers(1e6, share)).toBe(0);
  });
});
