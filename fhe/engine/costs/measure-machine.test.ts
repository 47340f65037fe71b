import { describe, expect, it } from 'vitest';
import { fitCosts } from './fit-costs.ts';
import { measureMachine } from './measure-machine.ts';
import { TYPICAL_MACHINE } from './operation-cost.ts';

const RING = { ringDegree: 4096, alpha: 1 };

describe('MeasureMachine', () => {
  it('finds the unit costs of the engine', async () => {
    const costs = await measureMachine(RING);
    expect(Object.values(costs).every((cost) => cost >= 0 && Number.isFinite(cost))).toBe(true);
    // From fast cores with many threads to a busy small board.
    for (const cost of [costs.transformNs, costs.keyProductNs, costs.productNs]) {
      expect(cost).toBeGreaterThan(0.005);
      expect(cost).toBeLessThan(50);
    }
  });

  it('stops when it is told to', async () => {
    await expect(measureMachine(RING, AbortSignal.abort())).rejects.toThrow(/abort/i);
  });
});

describe('FitCosts', () => {
  const none = {
    transforms: 0,
    conversions: 0,
    keyProducts: 0,
    products: 0,
    passes: 0,
    samples: 0,
    barriers: 0,
  };

  it('finds the costs that explain what was measured', () => {
    // 16384 coefficients, 14 butterfly stages; 2 ns per transform and stage, and 5 ns per product: ten times as slow as typical.
    const samples = [
      { transforms: 30, products: 1 },
      { transforms: 10, products: 70 },
      { transforms: 1, products: 90 },
    ].map((part) => ({
      work: { ...none, ...part },
      milliseconds: (part.transforms * 14 * 2 + part.products * 5) * 16384e-6,
    }));
    const costs = fitCosts(samples, 16384);
    expect(costs.transformNs / 2).toBeCloseTo(1, 1);
    expect(costs.productNs / 5).toBeCloseTo(1, 1);
    // Costs that no time determines are assumed as much slower than typical as the measured ones.
    expect(costs.passNs / TYPICAL_MACHINE.passNs).toBeGreaterThan(8);
  });

  it('gives no cost below zero', () => {
    const plain = { work: { ...none, transforms: 1 }, milliseconds: 1 };
    const samples = [
      ...new Array(20).fill(plain),
      { work: { ...none, transforms: 1, passes: 1 }, milliseconds: 0.5 },
    ];
    expect(fitCosts(samples, 16384).passNs).toBe(0);
  });
});
