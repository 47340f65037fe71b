import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Graph } from '#network/model/graph.ts';
import { writeOnnx } from '#network/model/onnx/onnx.ts';

/** Two logits of a picture of 4×4: its pixels, row by row, times a weight each, plus an offset. */
export type TwoLogits = {
  readonly name: string;
  readonly labels: readonly [string, string];
  /** 32 weights: those of the first logit, then those of the second. */
  readonly weights: Float32Array;
  readonly offsets: readonly [number, number];
  readonly logitRange: number;
};

/** How bright a picture is, and how dark. */
export const BRIGHTNESS: TwoLogits = {
  name: 'brightness',
  labels: ['bright', 'dark'],
  weights: Float32Array.from({ length: 32 }, (_, i) => (i < 16 ? 0.5 : -0.5)),
  offsets: [-4, 4],
  logitRange: 4,
};

function graphOf({ name, weights, offsets }: TwoLogits): Graph {
  return {
    name,
    opset: 13,
    inputs: [{ name: 'picture', type: 'float32', shape: [1, 1, 4, 4] }],
    outputs: [{ name: 'logits', type: 'float32', shape: [1, 2] }],
    initializers: new Map([
      ['w', { type: 'float32', shape: [2, 16], data: weights }],
      ['b', { type: 'float32', shape: [2], data: Float32Array.from(offsets) }],
    ]),
    nodes: [
      {
        name: 'flat',
        operator: 'Flatten',
        inputs: ['picture'],
        outputs: ['flat'],
        attributes: new Map(),
      },
      {
        name: 'dense',
        operator: 'Gemm',
        inputs: ['flat', 'w', 'b'],
        outputs: ['logits'],
        attributes: new Map([['transB', { kind: 'int', value: 1 }]]),
      },
    ],
  };
}

/**
 * Writes such a network, quick to protect and to run, as a file that `model protect` reads.
 *
 * @returns its path.
 */
export async function writeTwoLogits(folder: string, network: TwoLogits): Promise<string> {
  const file = join(folder, `${network.name}.onnx`);
  await writeFile(file, writeOnnx(graphOf(network)));
  const { labels, logitRange } = network;
  await writeFile(
    join(folder, `${network.name}.json`),
    JSON.stringify({ labels, activationRanges: [], logitRange }),
  );
  return file;
}
