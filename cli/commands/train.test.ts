import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

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

const root = join(import.meta.dirname, '..', '..');
let folder: string;
let recipe: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'blindsight-train-'));
  recipe = join(folder, 'my.json');
  await writeFile(recipe, RECIPE);
  await writeFile(join(folder, 'two-shades.onnx'), 'a network');
});

afterAll(() => rm(folder, { recursive: true }));

/** What `train` says where it is refused. */
function refusal(network: string, ...words: string[]): Promise<string> {
  return new Promise((resolve) =>
    execFile(process.execPath, [join(root, 'cli/main.ts'), 'train', network, ...words], (_, stdout, stderr) =>
      resolve(`${stdout}${stderr}`),
    ),
  );
}

describe('train', () => {
  it('notices before the work that its outcome cannot be kept', async () => {
    const told = (...words: string[]) => refusal(recipe, '--pictures', join(folder, 'nowhere'), ...words);
    const there = await told('--out', folder);
    expect(there).toMatch(/is there already: .*--force[\s\S]*NETWORK_TRAINING/);
    expect(there).not.toContain('nowhere');
    expect(await told('--out', join(recipe, 'below'))).toContain('cannot be written to');
    // With --force it goes on, as far as the pictures.
    expect(await told('--out', folder, '--force')).toContain('nowhere');
  });

  it('counter refuses labels without a clip of their own, and takes pictures where they are given', async () => {
    const out = ['--out', join(folder, 'counter')];
    expect(await refusal('counter', '--labels', 'mine.csv', ...out)).toContain(
      '--labels goes with --images or --clip',
    );
    expect(await refusal('counter', '--pictures', join(folder, 'nowhere'), ...out)).toContain('nowhere');
  });
});
