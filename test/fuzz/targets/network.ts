import { readFileSync } from 'node:fs';
import { readOnnx, writeOnnx } from '#network/model/onnx/onnx.ts';
import { SeededRandom } from '#network/model/random.ts';
import { idxBytes } from '#network/testing/idx-bytes.ts';
import { graphOf, ints, node, randomTensor } from '#network/testing/small-graphs.ts';
import { parseBoxes } from '#network/training/boxes/read-boxes.ts';
import { boxesCsv } from '#network/training/boxes/write-boxes.ts';
import { readIdx } from '#network/training/datasets/idx.ts';
import { idxPictures } from '#network/training/datasets/idx-pictures.ts';
import { parseRecipe } from '#network/training/recipe.ts';
import { json } from '../formats/json.ts';
import { lines } from '../formats/lines.ts';
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

const text = (content: string) => new TextEncoder().encode(content);

/** Reads boxes, and holds that what is read can be written and is read again as it was. */
function readsBoxes(input: Uint8Array): boolean {
  const { boxes } = parseBoxes(new TextDecoder().decode(input), 'boxes', { labels: ['person'] });
  if (boxes.some(({ frame, label }) => !(frame >= 0) || label !== 'person')) throw new Error('another box');
  const again = parseBoxes(boxesCsv(boxes), 'written').boxes;
  if (JSON.stringify(again) !== JSON.stringify(boxes)) throw new Error('boxes are written as others');
  return true;
}

const boxTarget = (format: 'csv' | 'mot' | 'coco', ...seeds: readonly string[]): Target => ({
  name: `boxes-${format}`,
  share: 0.3,
  format: format === 'coco' ? json : lines,
  sources: ['/network/training/boxes/'],
  refusals: ['NETWORK_BOXES'],
  dictionary: ['frame,', 'label,', '"', 'person', '-1', '1e9', '\ufeff', ';'],
  seeds: () => seeds.map(text),
  run: readsBoxes,
});

const coco = {
  images: [
    { id: 7, file_name: 'frame_0001.jpg', width: 480, height: 360 },
    { id: 8, frame_id: 2, width: 480, height: 360 },
  ],
  annotations: [
    { id: 1, image_id: 7, category_id: 1, bbox: [10, 20.5, 30, 40], iscrowd: 0 },
    { id: 2, image_id: 8, category_id: 1, bbox: [0, 0, 3, 4] },
  ],
  categories: [{ id: 1, name: 'person' }],
};

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
  boxTarget(
    'csv',
    'frame,person,x,y,width,height\n0,9,312.0,98.6,19.4,47.0\n2,15,161.3,-3,20.6,55.4\n',
    'label,frame,x,y,w,h\n"person",3,1,2,3,4\nperson,1,1e1,2,3,4\n',
  ),
  boxTarget(
    'mot',
    '1,1,10,20,30,40,1,1,0.9\n1,2,11,21,31,41,0,8,1\n2,1,12,20,30,40,1,1,1\n',
    '1,1,10.5,20,30,40,1,-1,-1,-1\n',
  ),
  boxTarget('coco', JSON.stringify(coco)),
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
