import { readFileSync } from 'node:fs';
import { readOnnx, writeOnnx } from '#network/model/onnx/onnx.ts';
import { SeededRandom } from '#network/model/random.ts';
import { idxBytes } from '#network/testing/idx-bytes.ts';
import { graphOf, ints, node, randomTensor } from '#network/testing/small-graphs.ts';
import { readIdx } from '#network/training/datasets/idx.ts';
import { idxPictures } from '#network/training/datasets/idx-pictures.ts';
import { parseRecipe } from '#network/training/recipe.ts';
import { json } from '../formats/json.ts';
import { protobuf } from '../formats/protobuf.ts';
import type { Target } from '../target.ts';
import { expectSameBytes } from './expect-same-bytes.ts';

function smallNetworks(): Uint8Array[] {
  const random = new SeededRandom(5);
  const weights = {
    w: randomTensor(random, [2, 1, 3, 3]),
    d: randomTensor(random, [3, 32]),
    b: randomTensor(random, [3]),
  };
  return [
    writeOnnx(
      graphOf([1, 6, 6], 3, weights, [
        node('Conv', ['picture', 'w'], 'c', { strides: ints(1, 1) }),
        node('Mul', ['c', 'c'], 's'),
        node('Flatten', ['s'], 'f'),
        node('Gemm', ['f', 'd', 'b'], 'logits', { transB: { kind: 'int', value: 1 } }),
      ]),
    ),
  ];
}

const recipe = (name: string) =>
  new Uint8Array(readFileSync(new URL(`../../../network/zoo/${name}/recipe.json`, import.meta.url)));

/** Files that owners get from others: networks, pictures to train with, recipes. */
export const NETWORK_TARGETS: readonly Target[] = [
  {
    name: 'onnx',
    share: 0.2,
    format: protobuf,
    sources: ['/network/model/onnx/', '/@bufbuild/'],
    refusals: ['NETWORK_FILE', 'NETWORK_OPERATOR', 'NETWORK_TOO_LARGE'],
    dictionary: ['Conv', 'Gemm', 'ai.onnx', 'Concat', 'Pad', 'picture', 'logits'],
    seeds: smallNetworks,
    run(input) {
      const graph = readOnnx(input);
      const once = writeOnnx(graph);
      expectSameBytes('network', writeOnnx(readOnnx(once)), once);
      return true;
    },
  },
  {
    name: 'idx',
    sources: ['/network/training/datasets/'],
    refusals: ['NETWORK_DATA'],
    seeds: () => [idxBytes([2, 3, 4], new Uint8Array(24)), idxBytes([1, 2, 2, 3], new Uint8Array(12))],
    run(input) {
      const array = readIdx(input, 'pictures');
      const { picture, pictures } = idxPictures(array, 'pictures');
      const [count = 0] = array.shape;
      if (pictures.length !== count * picture.channels * picture.height * picture.width)
        throw new Error('pictures of another size than they say');
      return true;
    },
  },
  {
    name: 'recipe',
    share: 0.3,
    format: json,
    sources: ['/network/training/', '/network/model/'],
    refusals: ['NETWORK_TRAINING'],
    seeds: () => [recipe('counter'), recipe('lenet5'), recipe('cryptonets')],
    run: (input) => parseRecipe(new TextDecoder().decode(input), 'recipe').layers.length > 0,
  },
];
