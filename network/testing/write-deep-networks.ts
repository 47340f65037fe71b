import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { writeOnnx } from '#network/model/onnx/onnx.ts';
import { SeededRandom } from '#network/model/random.ts';
import { runGraph } from '#network/model/run/run.ts';
import { DEEP_NETWORKS, type DeepNetwork, deepGraph } from './deep-networks.ts';
import { idxBytes } from './idx-bytes.ts';
import { randomStack, type StackPart } from './random-stack.ts';

/**
 * Writes networks with random weights that need N = 32768, random pictures, and the clear network's answers as labels:
 *
 *     node network/testing/write-deep-networks.ts FOLDER
 *     npx blindsight evaluate FOLDER/vgg-like.onnx --images FOLDER/images.idx --labels FOLDER/vgg-like-labels.idx
 *
 * With names of `deep-networks.ts`, writes those alone, to be planned:
 *
 *     node network/testing/write-deep-networks.ts FOLDER resnet-8 five-48-96-192
 *     npx blindsight explain FOLDER/resnet-8.onnx
 */
const NETWORKS: Readonly<Record<string, readonly StackPart[]>> = {
  'vgg-like': ['conv', 'conv', 'pool', 'conv', 'conv', 'pool', 'dense', 'dense'],
  residual: ['conv', 'residual', 'projection', 'residual'],
};
const SIDE = 8;
const MAPS = 4;
const PICTURES = 40;

const [folder, ...names] = process.argv.slice(2);
if (folder === undefined)
  throw new Error('usage: node network/testing/write-deep-networks.ts FOLDER [NAME…]');
await mkdir(folder, { recursive: true });
for (const name of names) {
  const network = (DEEP_NETWORKS as Readonly<Record<string, DeepNetwork>>)[name];
  if (network === undefined)
    throw new Error(`no network '${name}': ${Object.keys(DEEP_NETWORKS).join(', ')}`);
  await writeFile(path.join(folder, `${name}.onnx`), writeOnnx({ ...deepGraph(network), name }));
}
if (names.length > 0) process.exit();
const random = new SeededRandom(1);
const bytes = Array.from({ length: PICTURES * SIDE * SIDE }, () => Math.floor(256 * random.uniform()));
await writeFile(path.join(folder, 'images.idx'), idxBytes([PICTURES, SIDE, SIDE], bytes));
for (const [name, parts] of Object.entries(NETWORKS)) {
  const graph = { ...randomStack(13, parts, { side: SIDE, maps: MAPS }), name };
  const classes = Array.from({ length: PICTURES }, (_, i) => {
    const picture = bytes.slice(i * SIDE * SIDE, (i + 1) * SIDE * SIDE);
    const logits = runGraph(
      graph,
      Float32Array.from(picture, (byte) => byte / 255),
    );
    return logits.indexOf(Math.max(...logits));
  });
  await writeFile(path.join(folder, `${name}.onnx`), writeOnnx(graph));
  await writeFile(path.join(folder, `${name}-labels.idx`), idxBytes([PICTURES], classes));
}
