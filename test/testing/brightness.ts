import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Graph } from '#network/model/graph.ts';
import { writeOnnx } from '#network/model/onnx/onnx.ts';

/** Two logits: how bright a picture of 4×4 is, and how dark. */
function brightness(): Graph {
  const weight = Float32Array.from({ length: 32 }, (_, i) => (i < 16 ? 0.5 : -0.5));
  return {
    name: 'brightness',
    opset: 13,
    inputs: [{ name: 'picture', type: 'float32', shape: [1, 1, 4, 4] }],
    outputs: [{ name: 'logits', type: 'float32', shape: [1, 2] }],
    initializers: new Map([
      ['w', { type: 'float32', shape: [2, 16], data: weight }],
      ['b', { type: 'float32', shape: [2], data: Float32Array.of(-4, 4) }],
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
 * Writes a network that says whether a picture is bright or dark, quick to protect and to run, as a file that `model protect` reads.
 *
 * @returns its path; its name is `brightness`
 */
export async function writeBrightness(folder: string): Promise<string> {
  const network = join(folder, 'brightness.onnx');
  await writeFile(network, writeOnnx(brightness()));
  const about = { labels: ['bright', 'dark'], activationRanges: [], logitRange: 4 };
  await writeFile(join(folder, 'brightness.json'), JSON.stringify(about));
  return network;
}
