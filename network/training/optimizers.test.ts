import { describe, expect, it } from 'vitest';
import { Adam } from './adam.ts';
import { clipFactor } from './clip-factor.ts';
import type { Parameter } from './layers/layer.ts';
import { Sgd } from './sgd.ts';

const options = { weightDecay: 0, gradientNorm: 100 };

function parameter(values: number[], decays = true): Parameter {
  return { values: Float32Array.from(values), gradients: new Float32Array(values.length), decays };
}

describe('Optimizers', () => {
  it.each([
    ['Adam', Adam, 0.05],
    ['Sgd', Sgd, 0.01],
  ])('%s finds the bottom of a long valley', (_, Optimizer, rate) => {
    const point = parameter([3, -2]);
    const optimizer = new Optimizer([point], options);
    for (let step = 0; step < 500; step++) {
      point.gradients[0] = point.values[0]! - 1;
      point.gradients[1] = 20 * (point.values[1]! - 0.5);
      optimizer.step(rate);
    }
    expect(point.values[0]).toBeCloseTo(1, 2);
    expect(point.values[1]).toBeCloseTo(0.5, 2);
  });

  it.each([
    ['Adam', Adam],
    ['Sgd', Sgd],
  ])('%s shrinks weights but not biases', (_, Optimizer) => {
    const weight = parameter([1]);
    const bias = parameter([1], false);
    const optimizer = new Optimizer([weight, bias], { ...options, weightDecay: 0.5 });
    optimizer.step(0.1);
    expect(weight.values[0]).toBeCloseTo(0.95, 6);
    expect(bias.values[0]).toBe(1);
  });

  it('shortens a gradient that is too long, all parameters by the same factor', () => {
    const parts = [parameter([0]), parameter([0])];
    parts[0]!.gradients[0] = 3;
    parts[1]!.gradients[0] = 4;
    expect(clipFactor(parts, 10)).toBe(1);
    expect(clipFactor(parts, 1)).toBeCloseTo(0.2, 9);
    const sgd = new Sgd(parts, { weightDecay: 0, gradientNorm: 1 });
    sgd.step(1);
    // Nesterov: the first step is the gradient and nine tenths of it.
    expect(parts[0]!.values[0]).toBeCloseTo(-0.6 * 1.9, 5);
    expect(parts[1]!.values[0]).toBeCloseTo(-0.8 * 1.9, 5);
  });
});
