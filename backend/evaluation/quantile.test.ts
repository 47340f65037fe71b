import { describe, expect, it } from 'vitest';
import { quantile } from './quantile.ts';

describe('Quantile', () => {
  it('takes the nearest rank and leaves its input in order', () => {
    const values = Float64Array.of(5, 1, 4, 2, 3);
    expect(quantile(values, 0.5)).toBe(3);
    expect(quantile(values, 0.95)).toBe(5);
    expect(quantile(values, 0)).toBe(1);
    expect([...values]).toEqual([5, 1, 4, 2, 3]);
    expect(quantile(Float64Array.of(10, 9), 0.5)).toBe(9);
    expect(quantile(new Float64Array(), 0.5)).toBeNaN();
  });
});
