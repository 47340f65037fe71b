import { describe, expect, it } from 'vitest';
import { SeededRandom } from '#network/model/random.ts';
import { fitQuadratic, limitShift } from './fit-quadratic.ts';

const random = new SeededRandom(3);
const normal = Float64Array.from({ length: 20_000 }, () => random.normal());
const relu = (x: number): number => Math.max(0, x);

describe('FitQuadratic', () => {
  it("finds Relu's first Hermite coefficients on normal inputs, whatever their scale", () => {
    for (const scale of [1, 1000]) {
      const { coefficients, deviation } = fitQuadratic(
        relu,
        normal.map((x) => scale * x),
      );
      expect(deviation / scale).toBeCloseTo(1, 1);
      // 1/√2π − 1/(2√2π), 1/2, 1/(2√2π)
      for (const [k, truth] of [0.1995, 0.5, 0.1995].entries()) expect(coefficients[k]).toBeCloseTo(truth, 1);
    }
  });

  it('keeps a parabola where the function is a line on all inputs, none so flat that its square could not be completed', () => {
    const { coefficients } = fitQuadratic(
      relu,
      normal.map((x) => x + 10),
    );
    expect(coefficients[1]).toBeCloseTo(1, 2);
    expect(coefficients[2]).toBeCloseTo(1 / 16, 2);
    expect(limitShift(-1, -0.001)).toBe(-1 / 16);
    expect(limitShift(0.1, 0.5)).toBe(0.5);
  });

  it('takes inputs that are all the same', () => {
    const { coefficients, center } = fitQuadratic(relu, new Float64Array(50).fill(-2));
    expect(center).toBeCloseTo(-2, 9);
    expect(coefficients.every(Number.isFinite)).toBe(true);
  });
});
