import { describe, expect, it } from 'vitest';
import {
  type AnswerKind,
  bitsOfAnswer,
  bitsOfVectors,
  keyBits,
  log2OfChoices,
  unnoticedAnswers,
} from './leak-bits.ts';
import { LeakMeter } from './leak-meter.ts';

/** A network that classifies. */
const classes = (count: number, regions = 1): AnswerKind => ({
  labels: new Array(count).fill(''),
  regions,
  range: 10,
});

describe('bits of an answer', () => {
  it('are also those of which places told something', () => {
    expect(log2OfChoices(1, [1, 0])).toBe(0);
    expect(log2OfChoices(4, [0, 0])).toBe(0);
    expect(log2OfChoices(4, [2, 0])).toBeCloseTo(Math.log2(6), 9);
    // One tells, another is withheld, two are silent: 4 · 3.
    expect(log2OfChoices(4, [1, 1])).toBeCloseTo(Math.log2(12), 9);
    const model = {
      output: { output: 'event', equal: 3 },
      interpretation: { ...classes(2, 4), expected: new Array(64).fill(0) },
    } as unknown as Parameters<LeakMeter['measure']>[0];
    const meter = new LeakMeter({ share: 0.02, lateShare: 0.02 });
    const others = ['b', 'c', 'd'].map((camera) => ({ camera, frameTimeMs: 1 }));
    const bits = (results: number, withheld: number) =>
      meter.measure(model, { interpreter: 'engine', others }, results, withheld).bits;
    expect(bits(1, 0)).toBeCloseTo(1 + 2, 9);
    expect(bits(2, 0)).toBeCloseTo(2 + Math.log2(6), 9);
    expect(bits(0, 1)).toBeCloseTo(2, 9);
    expect(meter.measure(model, { interpreter: 'engine' }, 1).bits).toBeCloseTo(1, 9);
  });

  it('are as many times more where answers are gathered, which are audited as densely for it', () => {
    const model = {
      output: { output: 'rounded', step: 0.05 },
      interpretation: { ...classes(10), expected: new Int32Array(1024) },
    } as unknown as Parameters<LeakMeter['measure']>[0];
    const meter = new LeakMeter({ share: 0.02, lateShare: 0.02 });
    const timings = { prepareMs: 0, encryptMs: 0, evaluateMs: 0 };
    const later = Array.from({ length: 15 }, () => ({
      camera: 'a',
      frameTimeMs: 1,
      readyTimeMs: 1,
      timings,
    }));
    const alone = meter.measure(model, { interpreter: 'engine' }, 1);
    const gathered = meter.measure(model, { interpreter: 'engine', later }, 16);
    expect(gathered).toMatchObject({ answers: 16, most: alone.most });
    expect(gathered.bits).toBeCloseTo(16 * alone.bits, 9);
    expect(meter.measure(model, { interpreter: 'engine', later }, 'withheld').bits).toBe(16);
    // What slips through unnoticed tells no more of the key than the share of the settings lets through of single ones.
    const told = ({ share, most }: typeof alone) => unnoticedAnswers(1e9, share) * most;
    expect(meter.leastShare(model, 16)).toBeCloseTo(0.3, 2);
    expect(gathered.share).toBeCloseTo(meter.leastShare(model, 16) / 16, 9);
    expect(told(gathered)).toBeLessThan(keyBits(2048) / 4);
    expect(told(alone)).toBeLessThan(keyBits(2048) / 4);
  });

  it('are enough for every vector that rounding can give, of two and of three labels', () => {
    for (const [labels, step] of [
      [2, 0.05],
      [2, 0.25],
      [3, 0.25],
      [3, 0.1],
    ] as const) {
      const parts = Math.round(1 / step);
      const seen = new Set<string>();
      const fine = parts * 20;
      for (let a = 0; a <= fine; a++)
        for (let b = 0; b <= (labels === 2 ? 0 : fine - a); b++) {
          const shares = labels === 2 ? [a, fine - a] : [a, b, fine - a - b];
          const rounded = shares.map((share) => Math.round((share / fine) * parts));
          seen.add(`${rounded.join(' ')}, ${shares.indexOf(Math.max(...shares))}`);
        }
      const bits = bitsOfVectors(labels, step);
      expect(2 ** bits * (1 + 1e-9)).toBeGreaterThanOrEqual(seen.size);
      // And not so many more that they would mean nothing.
      expect(bits).toBeLessThan(Math.log2(seen.size) + 3);
    }
  });

  it('are those of the outcomes, one of which is to be withheld', () => {
    expect(bitsOfAnswer({ output: 'label' }, classes(2))).toBeCloseTo(Math.log2(3), 9);
    expect(bitsOfAnswer({ output: 'label' }, classes(10, 2))).toBeCloseTo(Math.log2(101), 9);
    expect(bitsOfAnswer({ output: 'event', equal: 3 }, classes(2))).toBeCloseTo(2, 9);
    const rounded = bitsOfAnswer({ output: 'rounded', step: 0.05 }, classes(2));
    expect(rounded).toBeLessThan(bitsOfAnswer({ output: 'rounded', step: 0.01 }, classes(2)) - 2);
  });

  it('are those of every set of points, and of every count of them', () => {
    const map: AnswerKind = {
      ...classes(2),
      task: 'map',
      map: { height: 2, width: 3 },
      decoding: { threshold: 0.5, smoothing: 0, distance: 1, most: 3 },
    };
    const bitsOf = (length: number) => (set: number) =>
      Array.from({ length }, (_, bit) => (set >> bit) & 1).reduce((sum, bit) => sum + bit, 0);
    const sets = Array.from({ length: 2 ** 12 }, (_, set) => set).filter((set) => bitsOf(12)(set) <= 3);
    expect(bitsOfAnswer({ output: 'rounded', step: 0.05 }, map)).toBeCloseTo(Math.log2(sets.length + 1), 9);
    const counts = sets.map((set) => `${bitsOf(6)(set & 63)} ${bitsOf(6)(set >> 6)}`);
    expect(bitsOfAnswer({ output: 'label' }, map)).toBeCloseTo(Math.log2(new Set(counts).size + 1), 9);
  });

  it('are those of labels that hold each by itself, and of counts up to the range', () => {
    const labels: AnswerKind = { ...classes(3), task: 'labels' };
    expect(bitsOfAnswer({ output: 'label' }, labels)).toBeCloseTo(Math.log2(2 ** 3 + 1), 9);
    expect(bitsOfAnswer({ output: 'rounded', step: 0.25 }, labels)).toBeCloseTo(Math.log2(6 ** 3 + 1), 9);
    const count: AnswerKind = { ...classes(2), task: 'count', range: 4.4 };
    expect(bitsOfAnswer({ output: 'rounded', step: 0.05 }, count)).toBeCloseTo(Math.log2(5 ** 2 + 1), 9);
  });

  it('are few at the default settings beside those of a key', () => {
    const most = (labels: number) =>
      unnoticedAnswers(1e9, 0.02) * bitsOfAnswer({ output: 'rounded', step: 0.05 }, classes(labels));
    expect(most(2)).toBeCloseTo(109, 0);
    expect(most(10)).toBeCloseTo(504, 0);
    expect(most(10)).toBeLessThan(keyBits(8192) / 20);
  });
});

describe('unnoticed answers', () => {
  it('are all where there are no audits, and none where each is audited', () => {
    expect(unnoticedAnswers(1000, 0)).toBe(1000);
    expect(unnoticedAnswers(1000, 1)).toBe(0);
  });

  it('are no more than the best of all numbers of them', () => {
    for (const share of [0.01, 0.02, 0.3, 0.9])
      for (const answers of [1, 10, 400]) {
        const each = Array.from({ length: answers }, (_, k) => (k + 1) * (1 - share) ** (k + 1));
        expect(unnoticedAnswers(answers, share)).toBeCloseTo(Math.max(...each), 9);
      }
    expect(unnoticedAnswers(1e9, 0.02)).toBeCloseTo(1 / (Math.E * 0.02), 0);
  });

  it('are more by 1 / p for each silence that was seen, and never more than there are', () => {
    expect(unnoticedAnswers(1e9, 0.02, 3) - unnoticedAnswers(1e9, 0.02)).toBeCloseTo(150, 9);
    expect(unnoticedAnswers(100, 0.02, 3)).toBe(100);
  });
});
