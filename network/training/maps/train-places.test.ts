import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadNetwork } from '#network/model/description/load-network.ts';
import { SeededRandom } from '#network/model/random.ts';
import { runGraph } from '#network/model/run/run.ts';
import { decodeMap } from '#vision/decode-map.ts';
import { parseRecipe } from '../recipe.ts';
import type { MapDataset } from './map-dataset.ts';
import type { Place } from './place.ts';
import { scorePoints } from './score-points.ts';
import { trainCounts } from './train-counts.ts';
import { trainMap } from './train-map.ts';

const [HEIGHT, WIDTH] = [24, 32];
const picture = { channels: 1, height: HEIGHT, width: WIDTH };
const map = parseRecipe(
  JSON.stringify({
    name: 'squares',
    description: 'where are squares?',
    task: 'map',
    labels: ['bright', 'dim'],
    picture,
    layers: [
      { kind: 'convolution', maps: 6, kernel: 8, stride: 4, padding: 2 },
      { kind: 'square' },
      { kind: 'convolution', maps: 2, kernel: 3, padding: 1 },
    ],
    training: {
      ...{ epochs: 20, batch: 5, learningRate: 0.01, weightDecay: 0 },
      augmentation: { mirror: true },
      map: { spread: 0.8, countWeight: 0.2, presenceWeight: 2 },
    },
  }),
  'squares.json',
);

/** Bright and dim squares on a dark ground. */
function squares(count: number, seed: number): MapDataset {
  const random = new SeededRandom(seed);
  const size = HEIGHT * WIDTH;
  const pictures = new Float32Array(count * size);
  const places = Array.from({ length: count }, (_, n) =>
    Array.from({ length: random.below(4) }, (): Place => {
      const kind = random.below(2);
      const [left, top] = [random.below(WIDTH - 4), random.below(HEIGHT - 4)];
      for (let y = top; y < top + 4; y++) {
        for (let x = left; x < left + 4; x++) pictures[n * size + y * WIDTH + x] = kind === 0 ? 1 : 0.4;
      }
      return {
        class: kind,
        x: (left + 2) / WIDTH,
        y: (top + 2) / HEIGHT,
        width: 4 / WIDTH,
        height: 4 / HEIGHT,
      };
    }),
  );
  return { picture, labels: ['bright', 'dim'], pictures, places };
}

let out: string;
beforeAll(async () => {
  out = await mkdtemp(join(tmpdir(), 'map-'));
});
afterAll(() => rm(out, { recursive: true }));

it('learns where things are and which, and writes a network that says how to make points of its map', async () => {
  const test = squares(40, 9);
  const work = {
    recipe: map,
    training: squares(160, 4),
    test,
    out,
    seed: 1,
    command: 'npx blindsight train squares',
  };
  const { metadata, score } = await trainMap(work);
  expect(score.f1).toBeGreaterThan(0.7);
  expect(metadata).toMatchObject({
    task: 'map',
    map: { height: 6, width: 8 },
    accuracy: Number(score.f1.toFixed(5)),
  });

  expect((await readdir(out)).sort()).toEqual([
    'README.md',
    'learning-curve.svg',
    'squares.json',
    'squares.onnx',
  ]);
  const { graph, labels, map: cells, decoding, ranges } = await loadNetwork(join(out, 'squares.onnx'));
  expect(graph.outputs[0]?.shape).toEqual([-1, 2, 6, 8]);
  const pictures = test.places.map((places, n) => {
    const answer = runGraph(graph, test.pictures.subarray(n * HEIGHT * WIDTH, (n + 1) * HEIGHT * WIDTH));
    expect(answer.every((value) => Math.abs(value) <= 1.5 * ranges!.logits)).toBe(true);
    return { points: decodeMap(answer, { ...cells!, classes: labels!.length, ...decoding! }).points, places };
  });
  expect(scorePoints(pictures, 2).f1).toBeCloseTo(score.f1, 6);

  const card = await readFile(join(out, 'README.md'), 'utf8');
  expect(card).toContain('a map of 6 × 8 cells for bright, dim');
  expect(card).toContain(`**${score.f1.toFixed(3)}**`);
});

it.each(['count', 'labels'] as const)('learns %s of what is there', async (task) => {
  const recipe = parseRecipe(
    JSON.stringify({
      ...{ name: `squares-${task}`, description: 'how many?', task, labels: ['bright', 'dim'], picture },
      layers: [
        { kind: 'convolution', maps: 6, kernel: 8, stride: 4, padding: 2 },
        { kind: 'square' },
        { kind: 'dense', units: 2 },
      ],
      training: { epochs: 20, batch: 10, learningRate: 0.01, weightDecay: 0 },
    }),
    `${task}.json`,
  );
  const test = squares(60, 9);
  const folder = join(out, task);
  const work = {
    recipe,
    training: squares(240, 4),
    test,
    out: folder,
    seed: 1,
    command: 'npx blindsight train',
  };
  const { metadata, score } = await trainCounts(work, task);
  expect(score.right).toBeGreaterThan(score.always + 0.1);
  expect(metadata).toMatchObject({ task, labels: ['bright', 'dim'] });
  expect(metadata.map).toBeUndefined();
  const { graph, task: read } = await loadNetwork(join(folder, `squares-${task}.onnx`));
  expect(read).toBe(task);
  const right = test.places.flatMap((places, n) => {
    const answer = runGraph(graph, test.pictures.subarray(n * HEIGHT * WIDTH, (n + 1) * HEIGHT * WIDTH));
    return [0, 1].filter((label) => {
      const there = places.filter((place) => place.class === label).length;
      return task === 'count'
        ? Math.max(0, Math.round(answer[label]!)) === there
        : answer[label]! >= 0 === there > 0;
    });
  });
  expect(right.length / 120).toBeCloseTo(score.right, 6);
});
