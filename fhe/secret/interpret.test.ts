import { describe, expect, it } from 'vitest';
import type { Interpretation } from '../program/interpretation.ts';
import { interpretSlots } from './interpret.ts';
import { roundLabel } from './round-label.ts';

const interpretation: Interpretation = {
  labels: ['nobody', 'somebody'],
  expected: Int32Array.of(0, 1, -1, -2, 0, 1),
  unit: 1,
  range: 10,
  tolerance: 0.1,
};
const good = [2, -1, 0.05, 777, 2.05, -0.98];
const interpret = (slots: number[]) => interpretSlots(Float64Array.from(slots), interpretation);

describe('interpretSlots', () => {
  it('gives the label and probabilities in two decimals', () => {
    expect(interpret(good)).toEqual({
      ok: true,
      answers: [{ label: 'nobody', probability: 0.95, probabilities: { nobody: 0.95, somebody: 0.05 } }],
    });
  });

  it('gives probabilities in the steps that it is told, in whole multiples of them, or none', () => {
    const labels = ['a', 'b', 'c'];
    const three = { ...interpretation, labels, expected: Int32Array.of(0, 1, 2), tolerance: 0.1 };
    const of = (logits: number[], step: number | null) => {
      const read = interpretSlots(Float64Array.from(logits), three, {
        round: (outputs) => roundLabel(outputs, labels, step),
      });
      return read.ok ? read.answers[0] : read.reason;
    };
    // Softmax: 0.6652, 0.2447, 0.0900
    expect(of([2, 1, 0], 0.01)).toEqual({
      label: 'a',
      probability: 0.67,
      probabilities: { a: 0.67, b: 0.24, c: 0.09 },
    });
    expect(of([2, 1, 0], 0.05)).toMatchObject({
      probability: 0.65,
      probabilities: { a: 0.65, b: 0.25, c: 0.1 },
    });
    expect(of([2, 1, 0], 0.5)).toMatchObject({ probability: 0.5, probabilities: { a: 0.5, b: 0, c: 0 } });
    expect(of([2, 1, 0], null)).toEqual({ label: 'a' });
    // The sum is not mended: a third each is 0.35 each.
    expect(of([0, 0, 0], 0.05)).toMatchObject({ probabilities: { a: 0.35, b: 0.35, c: 0.35 } });
  });

  describe('with two regions', () => {
    // Slots of the regions alternate: two logits, an empty slot, and a copy of the logits.
    const two: Interpretation = {
      ...interpretation,
      regions: 2,
      expected: Int32Array.of(0, 2, 1, 3, -1, -1, 0, 2, 1, 3),
    };
    const slots = [2, -3, -1, 1, 0.05, 0, 2.05, -2.98, -0.98, 1];
    const read = (at: number, value: number) =>
      interpretSlots(
        Float64Array.from(slots, (v, i) => (i === at ? value : v)),
        two,
      );

    it('gives an answer for each', () => {
      expect(interpretSlots(Float64Array.from(slots), two)).toEqual({
        ok: true,
        answers: [
          { label: 'nobody', probability: 0.95, probabilities: { nobody: 0.95, somebody: 0.05 } },
          { label: 'somebody', probability: 1, probabilities: { nobody: 0, somebody: 1 } },
        ],
      });
    });

    it.each([
      ['a copy of the first', 6, 'copies-differ', 3],
      ['a copy of the second', 9, 'copies-differ', 1.2],
      ['an empty slot of the first', 4, 'not-zero', 0.11],
      ['an empty slot of the second', 5, 'not-zero', -0.11],
    ])('withholds both where %s is wrong', (_, at, reason, value) => {
      expect(read(at, value)).toEqual({ ok: false, reason });
    });

    it('withholds both where one is out of range', () => {
      const far = slots.map((value, i) => (two.expected[i] === 3 ? 10.5 : value));
      expect(interpretSlots(Float64Array.from(far), two)).toEqual({ ok: false, reason: 'out-of-range' });
    });

    it('withholds both where a region has no logit', () => {
      const expected = Int32Array.from(two.expected, (index) => (index === 2 ? -1 : index));
      expect(interpretSlots(new Float64Array(10), { ...two, expected })).toEqual({
        ok: false,
        reason: 'no-logit',
      });
    });
  });

  it('hands over the outputs of each region of a map, cell by cell, once all of them have passed', () => {
    const map: Interpretation = {
      ...interpretation,
      task: 'map',
      labels: ['car'],
      map: { height: 1, width: 3 },
      regions: 2,
      expected: Int32Array.of(0, 3, 1, 4, 2, 5, -1),
    };
    const seen: number[][] = [];
    const round = (outputs: Float64Array) => seen.push([...outputs]);
    const slots = [1, 4, 2, 5, 3, 6, 0];
    expect(interpretSlots(Float64Array.from(slots), map, { round })).toEqual({ ok: true, answers: [1, 2] });
    expect(seen).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    const far = slots.with(5, 11);
    expect(interpretSlots(Float64Array.from(far), map, { round })).toEqual({
      ok: false,
      reason: 'out-of-range',
    });
    expect(seen).toHaveLength(2);
  });

  it('reads slots in units of logits', () => {
    const slots = Float64Array.from(good.map((value) => value / 5));
    expect(interpretSlots(slots, { ...interpretation, unit: 5 })).toEqual(interpret(good));
    expect(interpretSlots(Float64Array.from(good), { ...interpretation, unit: 6 })).toEqual({
      ok: false,
      reason: 'not-zero',
    });
  });

  it('withholds everything else', () => {
    const changed = (at: number, value: number): number[] => good.map((v, i) => (i === at ? value : v));
    expect(interpret(changed(2, 0.11))).toEqual({ ok: false, reason: 'not-zero' });
    expect(interpret(changed(2, -0.11))).toEqual({ ok: false, reason: 'not-zero' });
    expect(interpret(changed(4, 2.2))).toEqual({ ok: false, reason: 'copies-differ' });
    expect(interpret([11, -1, 0, 0, 11, -1])).toEqual({ ok: false, reason: 'out-of-range' });
    expect(interpret([-11, -1, 0, 0, -11, -1])).toEqual({ ok: false, reason: 'out-of-range' });
    expect(interpret(changed(0, Number.NaN))).toEqual({ ok: false, reason: 'not-finite' });
    expect(interpret(changed(3, Number.NaN))).toEqual({ ok: false, reason: 'not-finite' });
    expect(interpret(good.slice(0, 5))).toEqual({ ok: false, reason: 'slots' });
    expect(
      interpretSlots(new Float64Array(6), { ...interpretation, expected: Int32Array.of(0, -1) }),
    ).toEqual({
      ok: false,
      reason: 'no-logit',
    });
  });

  it('does not overflow on large logits', () => {
    const wide = { ...interpretation, expected: Int32Array.of(0, 1), range: 1e6 };
    expect(interpretSlots(Float64Array.of(1e5, -1e5), wide)).toMatchObject({
      answers: [{ label: 'nobody', probability: 1 }],
    });
  });
});
