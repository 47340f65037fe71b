import { describe, expect, it } from 'vitest';
import { leastShare } from './audit-share.ts';
import { bitsOfAnswer, keyBits, unnoticedAnswers } from './leak-bits.ts';

const ROUNDED = { output: 'rounded', step: 0.05 } as const;
const map = (height: number, width: number, most: number) => ({
  labels: ['car'],
  task: 'map' as const,
  map: { height, width },
  decoding: { threshold: 0.5, smoothing: 0, distance: 2, most },
  range: 2,
});
const digits = { labels: Array.from({ length: 10 }, (_, i) => `${i}`), range: 9 };
const key = keyBits(2048);

describe('leastShare', () => {
  it('leaves who slips through with less than what the account of a key warns at', () => {
    for (const kind of [digits, map(9, 16, 8), map(22, 30, 16), map(22, 30, 64)]) {
      const bits = bitsOfAnswer(ROUNDED, kind);
      const share = Math.max(0.02, leastShare(bits, key));
      expect(unnoticedAnswers(1e6, share) * bits).toBeLessThan(key / 4);
    }
  });

  it('asks no more of labels than the default does, and more the more points a map may have', () => {
    const of = (kind: Parameters<typeof bitsOfAnswer>[1]) => leastShare(bitsOfAnswer(ROUNDED, kind), key);
    expect(of(digits)).toBeLessThan(0.02);
    expect(of(map(9, 16, 8))).toBeCloseTo(0.028, 3);
    expect(of(map(22, 30, 16))).toBeCloseTo(0.072, 3);
    expect(of(map(22, 30, 64))).toBeCloseTo(0.203, 3);
    expect(leastShare(1e9, key)).toBe(1);
  });
});
