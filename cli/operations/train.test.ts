import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { readRecipe, train } from './train.ts';
import type { TrainOptions } from './train-options.ts';

const RECIPE = `{
  "name": "two-shades",
  "description": "light or dark",
  "picture": { "channels": 1, "height": 4, "width": 4 },
  "layers": [
    { "kind": "residual", "layers": [{ "kind": "convolution", "maps": 2, "kernel": 3, "padding": 1 }] },
    { "kind": "square" },
    { "kind": "dense", "units": 2 }
  ],
  "training": { "epochs": 1, "batch": 2, "learningRate": 0.1, "weightDecay": 0 }
}`;

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'recipe-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function read(text: string) {
  const file = join(folder, 'my.json');
  await writeFile(file, text);
  return readRecipe(file);
}

describe('train', () => {
  it('notices before the work that its outcome cannot be kept', async () => {
    const file = join(folder, 'my.json');
    await writeFile(file, RECIPE);
    await writeFile(join(folder, 'two-shades.onnx'), 'a network');
    const lost = { trainShare: 0.6, pictures: join(folder, 'nowhere') };
    await expect(train(file, { ...lost, out: folder })).rejects.toThrow('is there already');
    await expect(train(file, { ...lost, out: join(file, 'below') })).rejects.toThrow('cannot be written to');
    // With --force it goes on, as far as the pictures.
    await expect(train(file, { ...lost, out: folder, force: true })).rejects.toThrow('nowhere');
  });
});

/** `train` by a user who may read what everybody may, and write nothing. @returns what he is told. */
async function trainAsNobody(recipe: string, options: TrainOptions): Promise<string> {
  const script = `
    const { train } = await import(${JSON.stringify(new URL('train.ts', import.meta.url).href)});
    // After the import: this repository may be where only root can read.
    process.setgid(65534);
    process.setuid(65534);
    await train(${JSON.stringify(recipe)}, ${JSON.stringify(options)});`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let told = '';
  child.stderr.on('data', (bytes) => {
    told += bytes;
  });
  await once(child, 'close');
  return told;
}

// Root may write everywhere, and nobody else can become another user.
describe.skipIf(process.getuid?.() !== 0)('train by a user who must not write there (needs root)', () => {
  it.each([
    ['a folder that is there', 'given'],
    ['a folder below it', 'given/below'],
  ])('says so of %s before it looks for pictures', async (_, out) => {
    const given = await mkdtemp(join(tmpdir(), 'read-only-'));
    onTestFinished(() => rm(given, { recursive: true }));
    await chmod(given, 0o755);
    const file = join(given, 'my.json');
    await writeFile(file, RECIPE);
    const where = out.replace('given', given);
    const told = await trainAsNobody(file, { trainShare: 0.6, pictures: join(given, 'nowhere'), out: where });
    expect(told).toMatch(/NETWORK_TRAINING/);
    expect(told).toContain(`${where} cannot be written to (EACCES`);
    expect(told).toContain('give another folder with --out');
    expect(told).not.toContain('nowhere');
  });
});

describe('readRecipe', () => {
  it('reads a recipe with a residual block', async () => {
    expect((await read(RECIPE)).layers[0]).toEqual({
      kind: 'residual',
      layers: [{ kind: 'convolution', maps: 2, kernel: 3, padding: 1 }],
    });
  });

  it.each([
    [
      'a misspelt layer',
      ['"square"', '"sqare"'],
      /my\.json:7:15: layers\[1\]\.kind: expected one of .*did you mean "square"\?/,
    ],
    [
      'a misspelt entry',
      ['"padding"', '"pading"'],
      /my\.json:6:87: layers\[0\]\.layers\[0\]\.pading: unknown setting; did you mean "padding"\?/,
    ],
    [
      'a number in quotes',
      ['"epochs": 1', '"epochs": "1"'],
      /training\.epochs: expected a (whole )?number, got "1"/,
    ],
    [
      'a missing entry',
      ['"kernel": 3, ', ''],
      /layers\[0\]\.layers\[0\]\.kernel: expected a (whole )?number, but it is missing/,
    ],
    [
      'a wrong schedule',
      ['"epochs"', '"schedule": "cosin", "epochs"'],
      /training\.schedule: expected one of .*; did you mean "cosine"\?/,
    ],
    [
      'a kernel that does not fit',
      ['"kernel": 3', '"kernel": 9'],
      /my\.json: layers\[0\]\.layers\[0\]: a kernel of 9 × 9 does not fit .* make it 6 or smaller/,
    ],
  ])(
    'names the place of %s, what was expected, and what may have been meant',
    async (_, [from, to], message) => {
      await expect(read(RECIPE.replace(from!, to!))).rejects.toThrow(message);
    },
  );
});
