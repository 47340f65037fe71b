import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { writeOnnx } from '#network/model/onnx/onnx.ts';
import { SeededRandom } from '#network/model/random.ts';
import { runGraph } from '#network/model/run/run.ts';
import type { Node, Tensor } from '../model/graph.ts';
import { idxBytes } from './idx-bytes.ts';
import { graphOf, ints, node, randomTensor } from './small-graphs.ts';

/**
 * Writes the network of five squares for CIFAR-10's pictures (`five-squares.onnx`: 14.5 million products, 12 levels of N = 16384), whose cost
 * is followed in network/compiler/depth.md, with random weights, random pictures, and the clear network's answers as labels:
 *
 *     node network/testing/write-squares-network.ts FOLDER
 *     npx blindsight explain FOLDER/five-squares.onnx
 *     npx blindsight evaluate FOLDER/five-squares.onnx --images FOLDER/images.idx --labels FOLDER/labels.idx --calibrate FOLDER/images.idx
 */
const CONVOLUTIONS = [
  { maps: 32, size: 4, stride: 2 },
  { maps: 64, size: 3, stride: 1 },
  { maps: 64, size: 3, stride: 2 },
  { maps: 128, size: 3, stride: 1 },
  { maps: 128, size: 3, stride: 2 },
];
const CLASSES = 10;
const CHANNELS = 3;
const SIDE = 32;
const PICTURES = 20;

const folder = process.argv[2];
if (folder === undefined) throw new Error('usage: node network/testing/write-squares-network.ts FOLDER');
await mkdir(folder, { recursive: true });

const random = new SeededRandom(1);
const initializers: Record<string, Tensor> = {};
const nodes: Node[] = [];
let value = 'picture';
let channels = CHANNELS;
let side = SIDE;
for (const [i, { maps, size, stride }] of CONVOLUTIONS.entries()) {
  initializers[`w${i}`] = randomTensor(
    random,
    [maps, channels, size, size],
    1 / Math.sqrt(channels * size ** 2),
  );
  initializers[`b${i}`] = randomTensor(random, [maps], 0.1);
  nodes.push(
    node('Conv', [value, `w${i}`, `b${i}`], `c${i}`, {
      pads: ints(1, 1, 1, 1),
      strides: ints(stride, stride),
    }),
    node('Mul', [`c${i}`, `c${i}`], `s${i}`),
  );
  value = `s${i}`;
  channels = maps;
  side = Math.ceil(side / stride);
}
initializers.w = randomTensor(random, [channels, CLASSES], 1 / Math.sqrt(channels));
initializers.b = randomTensor(random, [CLASSES], 0.1);
nodes.push(
  node('GlobalAveragePool', [value], 'mean'),
  node('Flatten', ['mean'], 'flat'),
  node('Gemm', ['flat', 'w', 'b'], 'logits'),
);
const graph = { ...graphOf([CHANNELS, SIDE, SIDE], CLASSES, initializers, nodes), name: 'five-squares' };
await writeFile(path.join(folder, 'five-squares.onnx'), writeOnnx(graph));

const values = CHANNELS * SIDE * SIDE;
const bytes = Array.from({ length: PICTURES * values }, () => Math.floor(256 * random.uniform()));
const classes = Array.from({ length: PICTURES }, (_, i) => {
  const picture = Float32Array.from(bytes.slice(i * values, (i + 1) * values), (byte) => byte / 255);
  const logits = runGraph(graph, picture);
  return logits.indexOf(Math.max(...logits));
});
// IDX files hold a picture row by row with its channels last.
const area = SIDE * SIDE;
const interleaved = bytes.map((_, i) => {
  const [picture, place] = [Math.floor(i / values), i % values];
  return bytes[picture * values + (place % CHANNELS) * area + Math.floor(place / CHANNELS)]!;
});
await writeFile(path.join(folder, 'images.idx'), idxBytes([PICTURES, SIDE, SIDE, CHANNELS], interleaved));
await writeFile(path.join(folder, 'labels.idx'), idxBytes([PICTURES], classes));
