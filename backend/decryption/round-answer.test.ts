import { describe, expect, it } from 'vitest';
import type { Interpretation } from '#fhe';
import type { OutputPolicy } from '#protocol/output-policy.ts';
import { roundAnswer } from './round-answer.ts';

const ROUNDED = { output: 'rounded', step: 0.05 } as const;
const LABEL = { output: 'label' } as const;
const kind = (of: Partial<Interpretation>): Interpretation => ({
  ...{ labels: ['car'], expected: Int32Array.of(), unit: 1, range: 10, tolerance: 0.1 },
  ...of,
});
const round = (outputs: number[], of: Partial<Interpretation>, policy: OutputPolicy = ROUNDED) =>
  roundAnswer(Float64Array.from(outputs), kind(of), policy);

describe('what leaves of the outputs', () => {
  it('of a classification is its label with shares of all', () => {
    const labels = ['a', 'b'];
    expect(round([0, 2], { labels })).toEqual({
      label: 'b',
      probability: 0.9,
      probabilities: { a: 0.1, b: 0.9 },
    });
    expect(round([0, 2], { labels }, LABEL)).toEqual({ label: 'b' });
  });

  it('of labels are those that hold, each with a probability of its own', () => {
    const labels = ['rain', 'night', 'snow'];
    expect(round([3, 0, -2], { task: 'labels', labels })).toEqual({
      task: 'labels',
      labels: ['rain', 'night'],
      probabilities: { rain: 0.95, night: 0.5, snow: 0.1 },
    });
    expect(round([-1, -1, -1], { task: 'labels', labels }, LABEL)).toEqual({ task: 'labels', labels: [] });
  });

  it('of counts are whole numbers, none below zero', () => {
    const answer = { task: 'count', counts: { car: 3, bus: 0 } };
    expect(round([2.6, -0.7], { task: 'count', labels: ['car', 'bus'] })).toEqual(answer);
    expect(round([3.4, 0.4], { task: 'count', labels: ['car', 'bus'] }, LABEL)).toEqual(answer);
  });

  it('of a map are the middles of the cells where something is, or only how many', () => {
    const map: Partial<Interpretation> = {
      task: 'map',
      labels: ['car', 'bus'],
      map: { height: 2, width: 3 },
      decoding: { threshold: 0.5, smoothing: 0, distance: 1, most: 64 },
    };
    const outputs = [0, 0, 0.9, 0, 0, 0, 0, 0, 0, 0.6, 0.2, 0];
    expect(round(outputs, map)).toEqual({
      task: 'map',
      counts: { car: 1, bus: 1 },
      points: [
        { label: 'car', x: 0.833, y: 0.25 },
        { label: 'bus', x: 0.167, y: 0.75 },
      ],
    });
    expect(round(outputs, map, LABEL)).toEqual({ task: 'map', counts: { car: 1, bus: 1 } });
    expect(round(new Array(12).fill(0), map)).toEqual({
      task: 'map',
      counts: { car: 0, bus: 0 },
      points: [],
    });
  });
});
