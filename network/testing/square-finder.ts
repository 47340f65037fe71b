import type { Graph, Tensor } from '../model/graph.ts';
import { graphOf, ints, node } from './small-graphs.ts';

/** What {@link squareFinder} is described as: all but its map. */
export const SQUARE_FINDER = {
  task: 'map',
  labels: ['thing'],
  decoding: { threshold: 0.2, smoothing: 0, distance: 2, most: 8 },
  activationRanges: [0.55],
  logitRange: 1.1,
} as const;

/**
 * A map network that needs no training: on grey pictures of four by four times its cells, each cell's mean deviation from grey, squared, is 1 where a cell is white.
 * Convolution 4 × 4, stride 4 → x² → 1 × 1.
 */
export function squareFinder({ height, width }: { height: number; width: number }): Graph {
  const tensor = (shape: readonly number[], values: readonly number[]): Tensor => ({
    type: 'float32',
    shape,
    data: Float32Array.from(values),
  });
  const grey = 128 / 255;
  return graphOf(
    [1, 4 * height, 4 * width],
    height * width,
    {
      mean: tensor([1, 1, 4, 4], new Array<number>(16).fill(1 / 16)),
      less: tensor([1], [-grey]),
      gain: tensor([1, 1, 1, 1], [1 / (1 - grey) ** 2]),
      none: tensor([1], [0]),
    },
    [
      node('Conv', ['picture', 'mean', 'less'], 'c', { strides: ints(4, 4) }),
      node('Mul', ['c', 'c'], 's'),
      node('Conv', ['s', 'gain', 'none'], 'logits'),
    ],
  );
}
