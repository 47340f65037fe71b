import { describe, expect, it } from 'vitest';
import { runGraph } from '#network/model/run/run.ts';
import { graphOf, ints, node, randomPictures } from '#network/testing/small-graphs.ts';
import { fitMaxPooling, replaceMaxPooling } from './replace-max-pooling.ts';
import { replaceNode } from './replace-nodes.ts';

const maximum = node('MaxPool', ['picture'], 'logits', {
  kernel_shape: ints(2, 2),
  strides: ints(2, 2),
  storage_order: { kind: 'int', value: 0 },
});

describe('ReplaceMaxPooling', () => {
  it('finds the line that was there', () => {
    const means = Array.from({ length: 50 }, (_, i) => i / 10);
    const fit = fitMaxPooling(
      means,
      means.map((mean) => 1.5 * mean + 0.25),
    );
    expect(fit.slope).toBeCloseTo(1.5, 9);
    expect(fit.offset).toBeCloseTo(0.25, 9);
    expect(fit.typicalError).toBeLessThan(1e-9);
  });

  it('has the least mean square error of all lines, and states it', () => {
    const pictures = randomPictures(1, 100, 4);
    const means = pictures.map((window) => window.reduce((a, b) => a + b) / 4);
    const maxima = pictures.map((window) => Math.max(...window));
    const error = (slope: number, offset: number): number =>
      Math.sqrt(means.reduce((sum, mean, i) => sum + (slope * mean + offset - maxima[i]!) ** 2, 0) / 100);
    const { slope, offset, typicalError } = fitMaxPooling(means, maxima);
    expect(typicalError).toBeCloseTo(error(slope, offset), 12);
    for (const [ds, dOffset] of [
      [0.01, 0],
      [-0.01, 0],
      [0, 0.01],
      [0, -0.01],
    ] as const)
      expect(error(slope + ds, offset + dOffset)).toBeGreaterThan(typicalError);
  });

  it('moves by the mean difference where all windows have the same mean', () => {
    expect(fitMaxPooling([1, 1], [2, 4])).toEqual({ slope: 1, offset: 2, typicalError: 1 });
  });

  it('puts slope · mean + offset in the place of the maximum', () => {
    const graph = graphOf([1, 2, 4], 2, {}, [maximum]);
    const replaced = replaceNode(
      graph,
      'logits',
      replaceMaxPooling(maximum, { slope: 2, offset: 0.5, typicalError: 0 }),
    );
    const picture = Float32Array.of(1, 2, 0, 0, 3, 4, 0, 8);
    expect([...runGraph(graph, picture)]).toEqual([4, 8]);
    expect([...runGraph(replaced, picture)]).toEqual([5.5, 4.5]);
  });

  it('refuses to lose indices that somebody asked for', () => {
    expect(() =>
      replaceMaxPooling(
        { ...maximum, outputs: ['logits', 'indices'] },
        { slope: 1, offset: 0, typicalError: 0 },
      ),
    ).toThrow('indices of maxima');
  });
});
