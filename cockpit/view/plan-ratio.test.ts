import { expect, it } from 'vitest';
import { planRatio } from './plan-ratio.ts';

it('is the form of the picture, or of the map where that shows a part of it', () => {
  const cells = { width: 30, height: 22 };
  expect(planRatio({ width: 640, height: 480 }, cells)).toBeCloseTo(4 / 3);
  expect(planRatio({ width: 1920, height: 1080 }, cells)).toBeCloseTo(30 / 22);
  expect(planRatio(undefined, cells)).toBeCloseTo(30 / 22);
  expect(planRatio({ width: 640, height: 480 }, undefined)).toBeCloseTo(4 / 3);
  expect(planRatio(undefined, undefined)).toBeCloseTo(16 / 9);
});
