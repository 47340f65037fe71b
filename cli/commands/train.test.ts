import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
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

/** What `train` says. */
function train(network: string, ...words: string[]): Promise<string> {
  return new Promise((resolve) =>
    execFile(process.execPath, [join(root, 'cli/main.ts'), 'train', network, ...words], (_, stdout, stderr) =>
      resolve(`${stdout}${stderr}`),
    ),
  );
}

describe('train', () => {
  it('notices before the work that its outcome cannot be kept', async () => {
    const told = (...words: string[]) => train(recipe, '--pictures', join(folder, 'nowhere'), ...words);
    const there = await told('--out', folder);
    expect(there).toMatch(/is there already: .*--force[\s\S]*NETWORK_TRAINING/);
    expect(there).not.toContain('nowhere');
    expect(await told('--out', join(recipe, 'below'))).toContain('cannot be written to');
    // With --force it goes on, as far as the pictures.
    expect(await told('--out', folder, '--force')).toContain('nowhere');
  });

  it('counter refuses labels without a clip of their own', async () => {
    const words = ['--labels', 'mine.csv', '--out', join(folder, 'counter')];
    expect(await train('counter', ...words)).toContain('--labels goes with --images or --clip');
  });

  it('counter learns from other pictures for as long as it is told, and its card says nothing of its own clip', async () => {
    for (const [shade, label] of ['absent', 'present'].entries()) {
      await mkdir(join(folder, 'photos', label), { recursive: true });
      const background = { r: 200 * shade, g: 0, b: 0 };
      for (let i = 0; i < 3; i++)
        await sharp({ create: { width: 48, height: 27, channels: 3, background } })
          .png()
          .toFile(join(folder, 'photos', label, `${i}.png`));
    }
    const out = join(folder, 'counter');
    const words = ['--pictures', join(folder, 'photos'), '--epochs', '1', '--out', out];
    expect(await train('counter', ...words)).toContain('of 2 test pictures');
    const card = await readFile(join(out, 'README.md'), 'utf8');
    expect(card).toContain('`npx blindsight train counter --pictures photos --epochs 1`');
    expect(card).toContain('1 epochs of 4 pictures');
    expect(card).not.toMatch(/counter\.mp4|hostile/);
  });

  it('learns from another network, and goes on where a file says; refuses what fits neither', async () => {
    for (const [shade, label] of ['dark', 'light'].entries()) {
      await mkdir(join(folder, 'shades', label), { recursive: true });
      const background = { r: 200 * shade, g: 0, b: 0 };
      for (let i = 0; i < 4; i++)
        await sharp({ create: { width: 4, height: 4, channels: 3, background } })
          .png()
          .toFile(join(folder, 'shades', label, `${i}.png`));
    }
    const [first, second, state] = ['first', 'second', 'state'].map((name) => join(folder, name));
    const words = ['--pictures', join(folder, 'shades'), '--resume', state!];
    expect(await train(recipe, ...words, '--out', first!)).toContain('of 2 test pictures');
    // It has ended, and left nothing.
    expect(await readFile(state!).catch(({ code }) => code)).toBe('ENOENT');
    const teacher = ['--teacher', join(first!, 'two-shades.onnx')];
    expect(await train(recipe, ...words, ...teacher, '--out', second!)).toContain('of 2 test pictures');
    const scaled = [...teacher, '--teacher-mean', '0.5', '--teacher-std', '0.25'];
    const told = await train(recipe, ...words, ...scaled, '--out', second!, '--force');
    expect(told).toMatch(/the teacher answers [\d.]+ % of the test pictures/);
    const card = await readFile(join(second!, 'README.md'), 'utf8');
    expect(card).toContain('--teacher two-shades.onnx --teacher-mean 0.5 --teacher-std 0.25`');
    expect(await train(recipe, ...words, '--teacher', 'counter', '--out', second!, '--force')).toContain(
      'NETWORK_TEACHER',
    );
    const place = await train(recipe, ...words.slice(0, 2), '--resume', folder, '--out', second!, '--force');
    expect(place).toMatch(/EISDIR[\s\S]*NETWORK_RESUME/);
    await writeFile(state!, 'something else');
    expect(await train(recipe, ...words, '--out', second!, '--force')).toMatch(
      /no file of a training.*--resume[\s\S]*NETWORK_RESUME/,
    );
    expect(await readFile(state!, 'utf8')).toBe('something else');
  });

  it('learns a map from a clip with boxes, and says how well; refuses to without boxes', async () => {
    const map = join(folder, 'map.json');
    const text = {
      ...{ name: 'spots', description: 'where?', task: 'map', labels: ['spot'] },
      picture: { channels: 2, height: 24, width: 32, motion: { seconds: 2 } },
      layers: [{ kind: 'convolution', maps: 1, kernel: 4, stride: 4 }],
      training: { epochs: 2, batch: 4, learningRate: 0.01, weightDecay: 0 },
    };
    await writeFile(map, JSON.stringify(text));
    const [clip, boxes, out] = ['spot.avi', 'spot.csv', 'spots'].map((file) => join(folder, file));
    // A white square moves to the right, two pixels a frame.
    const source =
      'color=black:size=64x48:rate=10:duration=3[g];color=white:size=8x8:rate=10[w];[g][w]overlay=x=2*n:y=20:shortest=1';
    await promisify(execFile)('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', source, '-c:v', 'ffv1', clip!]);
    const lines = Array.from({ length: 30 }, (_, n) => `${n},spot,${2 * n},20,8,8`);
    await writeFile(boxes!, ['frame,label,x,y,width,height', ...lines].join('\n'));
    const told = await train(map, '--clip', clip!, '--boxes', boxes!, '--out', out!);
    expect(told).toMatch(/spots\.onnx: F1 [01]\.\d{3} on 12 later pictures/);
    const card = await readFile(join(out!, 'README.md'), 'utf8');
    expect(card).toContain('`npx blindsight train map.json --clip spot.avi --boxes spot.csv`');
    expect(card).toContain('a map of 6 × 8 cells for spot');

    expect(await train(map, '--clip', clip!, '--labels', boxes!, '--out', join(out!, 'other'))).toContain(
      'a map learns from --clip and --boxes',
    );
  });
});
