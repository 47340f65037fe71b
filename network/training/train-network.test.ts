import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Dataset } from '#network/model/dataset.ts';
import { readOnnx } from '#network/model/onnx/onnx.ts';
import { SeededRandom } from '#network/model/random.ts';
import { runGraph } from '#network/model/run/run.ts';
import { drawOutlier } from './outliers.ts';
import { parseRecipe, type Recipe } from './recipe.ts';
import { trainRecipe } from './train-network.ts';

let out: string;

beforeAll(async () => {
  out = await mkdtemp(join(tmpdir(), 'train-'));
});

afterAll(async () => {
  await rm(out, { recursive: true });
});

const recipe: Recipe = parseRecipe(
  JSON.stringify({
    name: 'bars',
    description: 'lying or standing',
    labels: ['lying', 'standing'],
    picture: { channels: 1, height: 6, width: 6 },
    layers: [
      { kind: 'convolution', maps: 3, kernel: 3 },
      { kind: 'normalize' },
      { kind: 'square' },
      { kind: 'average', size: 2 },
      { kind: 'dense', units: 2 },
    ],
    training: {
      epochs: 10,
      batch: 16,
      learningRate: 0.02,
      weightDecay: 0.001,
      averaging: 0.98,
      balance: true,
      augmentation: { mirror: true },
    },
    notes: [{ title: 'What it is not for', text: 'Anything but bars.' }],
  }),
  'bars.json',
);

/** A bright row or a bright column, three rows for each column. */
function bars(seed: number, count: number): Dataset {
  const random = new SeededRandom(seed);
  const pictures = new Float32Array(count * 36);
  const classes = Uint8Array.from({ length: count }, (_, n) => (n % 4 === 0 ? 1 : 0));
  classes.forEach((label, n) => {
    const where = random.below(6);
    for (let i = 0; i < 36; i++) {
      const bright = (label === 1 ? i % 6 : Math.floor(i / 6)) === where;
      pictures[n * 36 + i] = random.uniform(0, 0.2) + (bright ? 0.7 : 0);
    }
  });
  return { picture: recipe.picture, labels: ['lying', 'standing'], pictures, classes };
}

describe('TrainNetwork', () => {
  it('writes a network that answers as the card says', async () => {
    const test = bars(2, 120);
    const result = await trainRecipe({
      recipe,
      training: bars(1, 400),
      test,
      out,
      seed: 3,
      command: 'npx blindsight train bars.json',
    });
    expect(result.accuracy).toBeGreaterThan(0.95);
    expect(result.majority).toBeCloseTo(0.75, 2);
    expect((await readdir(out)).sort()).toEqual([
      'README.md',
      'bars.json',
      'bars.onnx',
      'learning-curve.svg',
    ]);
    const logits = runGraph(readOnnx(await readFile(join(out, 'bars.onnx'))), test.pictures);
    const hits = [...test.classes].filter((label, n) => logits[2 * n + label]! > logits[2 * n + 1 - label]!);
    expect(hits.length / test.classes.length).toBeCloseTo(result.accuracy, 6);
    const card = await readFile(join(out, 'README.md'), 'utf8');
    expect(card).toContain(`**${(100 * result.accuracy).toFixed(2)} %** of 120 test pictures`);
    expect(card).toContain('would reach 75.00 %');
    expect(card).toContain(
      'convolution 3 × 3, 3 maps → batch normalization → x² → mean pooling 2 × 2 → dense 2',
    );
    expect(card).toContain('Anything but bars.');
    const metadata = JSON.parse(await readFile(join(out, 'bars.json'), 'utf8'));
    expect(metadata).toEqual(result.metadata);
    expect(Math.max(...logits.map(Math.abs))).toBeLessThan(1.5 * metadata.logitRange);
  });

  it('writes ranges that take in pictures of nothing, where the recipe shows some', async () => {
    const dim = (all: Dataset): Dataset => ({ ...all, pictures: all.pictures.map((value) => value / 3) });
    const work = { training: dim(bars(1, 200)), test: dim(bars(2, 60)), out, seed: 3, command: '' };
    // So few that the network hardly learns from them, and gives large outputs for anything brighter than it knows.
    const shown = { ...recipe, training: { ...recipe.training, outliers: 0.001 } };
    const quiet = (await trainRecipe({ ...work, recipe })).metadata.logitRange;
    const { logitRange } = (await trainRecipe({ ...work, recipe: shown })).metadata;
    const random = new SeededRandom(8);
    const pictures = new Float32Array(200 * 36);
    for (let at = 0; at < pictures.length; at += 36)
      drawOutlier(pictures.subarray(at, at + 36), recipe.picture, random);
    const logits = runGraph(readOnnx(await readFile(join(out, 'bars.onnx'))), pictures);
    const largest = Math.max(...logits.map(Math.abs));
    expect(largest).toBeGreaterThan(1.5 * quiet);
    expect(largest).toBeLessThan(1.5 * logitRange);
  });

  it('refuses pictures of another size', async () => {
    const wrong = { ...bars(1, 16), picture: { channels: 1, height: 9, width: 4 } };
    const work = { recipe, training: wrong, test: wrong, out, seed: 1, command: '' };
    await expect(trainRecipe(work)).rejects.toThrow('the pictures are 1×9×4, but bars takes 1×6×6');
  });
});
