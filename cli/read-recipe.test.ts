import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRecipe } from './read-recipe.ts';

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
      'a wrong schedule of a phase',
      ['"epochs"', '"schedule": [{ "share": 1, "schedule": "cosin" }], "epochs"'],
      /training\.schedule\[0\]\.schedule: expected one of .*; did you mean "cosine"\?/,
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
