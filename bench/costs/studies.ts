import type { Graph } from '#network/model/graph.ts';
import { Workspace } from '#network/model/kernel/workspace.ts';
import { SeededRandom } from '#network/model/random.ts';
import type { Architecture, LayerSpec } from '#network/training/architecture.ts';
import { exportGraph } from '#network/training/export.ts';
import { TrainableNetwork } from '#network/training/trainable-network.ts';

/** One network of a study and what is varied in it. */
export type StudyPoint = { readonly label: string; readonly side: number; readonly layers: Architecture };

/** Networks that differ in one thing. */
export type Study = { readonly name: string; readonly title: string; readonly points: readonly StudyPoint[] };

const SQUARE: LayerSpec = { kind: 'square' };
const SIDE = 28;

function convolution(maps: number, kernel: number, stride = 1): LayerSpec {
  return { kind: 'convolution', maps, kernel, stride, padding: Math.floor(kernel / 2) };
}

function dense(units: number): LayerSpec {
  return { kind: 'dense', units };
}

const FIRST: Architecture = [convolution(8, 5, 2), SQUARE];

/** How cost grows along one dimension of a network, the others fixed. */
export const GROWTH: readonly Study[] = [
  {
    name: 'depth',
    title: 'convolutions of 3 × 3 after the first',
    points: [0, 1, 2, 3, 4].map((count) => ({
      label: `${count}`,
      side: SIDE,
      layers: [
        ...FIRST,
        ...Array.from({ length: count }, () => [convolution(8, 3), SQUARE]).flat(),
        dense(10),
      ],
    })),
  },
  {
    name: 'width',
    title: 'maps of each of two convolutions',
    points: [2, 4, 8, 16, 32].map((maps) => ({
      label: `${maps}`,
      side: SIDE,
      layers: [convolution(maps, 5, 2), SQUARE, convolution(maps, 3), SQUARE, dense(10)],
    })),
  },
  {
    name: 'size',
    title: 'pixels on each side of the picture',
    points: [16, 28, 40, 56, 80].map((side) => ({
      label: `${side}`,
      side,
      layers: [...FIRST, convolution(8, 3), SQUARE, dense(10)],
    })),
  },
];

/** Ways to build a network for the same task: 28 × 28 grey pixels, ten classes. */
export const DESIGNS: readonly StudyPoint[] = [
  {
    label: 'stride 3, one convolution, dense 64',
    side: SIDE,
    layers: [convolution(8, 5, 3), SQUARE, dense(64), SQUARE, dense(10)],
  },
  {
    label: 'stride 2 twice',
    side: SIDE,
    layers: [convolution(8, 5, 2), SQUARE, convolution(16, 3, 2), SQUARE, dense(10)],
  },
  {
    label: 'no stride, mean pooling twice',
    side: SIDE,
    layers: [
      convolution(8, 5),
      SQUARE,
      { kind: 'average', size: 2 },
      convolution(16, 3),
      SQUARE,
      { kind: 'average', size: 2 },
      dense(10),
    ],
  },
  {
    label: 'stride 2 twice, one activation more',
    side: SIDE,
    layers: [convolution(8, 5, 2), SQUARE, convolution(16, 3, 2), SQUARE, dense(64), SQUARE, dense(10)],
  },
  {
    label: 'stride 2 twice, polynomials of degree 4',
    side: SIDE,
    layers: [convolution(8, 5, 2), 'quartic', convolution(16, 3, 2), 'quartic', dense(10)].map(
      (spec): LayerSpec =>
        spec === 'quartic'
          ? { kind: 'polynomial', coefficients: [0, 0.5, 0.25, 0, 0.1] }
          : (spec as LayerSpec),
    ),
  },
  {
    label: 'stride 2, residual block',
    side: SIDE,
    layers: [
      ...FIRST,
      { kind: 'residual', layers: [convolution(8, 3), SQUARE, convolution(8, 3)] },
      SQUARE,
      dense(10),
    ],
  },
];

/** A network of this shape with weights drawn at random: what protection costs does not depend on them. */
export async function studyGraph({ side, layers }: StudyPoint): Promise<Graph> {
  const workspace = await Workspace.create(2 ** 28);
  const context = { workspace, random: new SeededRandom(1), batch: 1 };
  const picture = { channels: 1, height: side, width: side };
  return exportGraph(new TrainableNetwork(context, picture, layers), 'study');
}
