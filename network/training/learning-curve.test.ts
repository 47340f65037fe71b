import { describe, expect, it } from 'vitest';
import { drawLearningCurve } from './learning-curve.ts';

describe('LearningCurve', () => {
  it('draws three lines with a point for each epoch', () => {
    const curve = [1, 2, 3].map((epoch) => ({
      epoch,
      epochs: 3,
      loss: 1 / epoch,
      trainingScore: 0.5,
      validationScore: 0.6,
      elapsedMs: 1,
    }));
    const svg = drawLearningCurve(curve, 'try');
    const points = [...svg.matchAll(/points="([^"]*)"/g)].map((match) => match[1]!.split(' '));
    expect(points.map((line) => line.length)).toEqual([3, 3, 3]);
    expect(svg).not.toContain('NaN');
    expect(drawLearningCurve(curve.slice(0, 1), 'one')).not.toContain('NaN');
  });
});
