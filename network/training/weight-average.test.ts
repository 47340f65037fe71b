import { describe, expect, it } from 'vitest';
import { WeightAverage } from './weight-average.ts';

describe('WeightAverage', () => {
  it('is a plain mean at first and forgets exponentially later', () => {
    const state = [new Float32Array(1)];
    const average = new WeightAverage(state, 0.75);
    for (const value of [4, 8, 0, 4]) {
      state[0]![0] = value;
      average.add(state);
    }
    // Mean of four; the fifth weighs a quarter.
    expect(average.values[0]![0]).toBe(4);
    state[0]![0] = 12;
    average.add(state);
    expect(average.values[0]![0]).toBe(6);
    expect(state[0]![0]).toBe(12);
  });
});
