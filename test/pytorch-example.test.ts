import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SeededRandom } from '#network/model/random.ts';
import { idxBytes } from '#network/testing/idx-bytes.ts';
import { root } from './source-files.ts';

/** Debian's, whatever `python3` is here. PyTorch is 280 MB, for this test alone: `npm test` does not install it. */
const PYTHON = '/usr/bin/python3';
const WHY_NOT =
  spawnSync(PYTHON, ['-c', 'import numpy, torch']).status === 0
    ? null
    : 'PyTorch is not installed (apt-get install --no-install-recommends python3-torch)';

const PICTURES = 240;
const SIDE = 8;
const CLASSES = 3;

let folder = '';
const at = (name: string): string => join(folder, name);
const run = promisify(execFile);

/** Ends with what examples/pytorch/train.py prints; else rejects with { code, stderr }. */
const train = (...words: string[]) =>
  run(PYTHON, [
    ...[
      '-B',
      join(root, 'examples/pytorch/train.py'),
      '--layers',
      '8k4s2 4s2',
      '--epochs',
      '2',
      '--batch',
      '16',
    ],
    ...['--move', '1', '--images', at('images.idx'), '--labels', at('labels.idx')],
    ...['--test-images', at('images.idx'), '--test-labels', at('labels.idx'), ...words],
  ]);

const blindsight = async (...words: string[]) => {
  const environment = { ...process.env, XDG_CACHE_HOME: folder };
  const main = join(root, 'cli/main.ts');
  const { stdout } = await run(process.execPath, [main, ...words, '--json'], { cwd: root, env: environment });
  return JSON.parse(stdout);
};

const data = () => ['--labels', at('labels.idx'), '--limit', '20'];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'blindsight-pytorch-'));
  const random = new SeededRandom(3);
  const classes = Uint8Array.from({ length: PICTURES }, () => random.below(CLASSES));
  // The channel that is brighter is the class.
  const bytes = Uint8Array.from({ length: PICTURES * SIDE * SIDE * 3 }, (_, i) => {
    const bright = classes[Math.floor(i / (SIDE * SIDE * 3))] === i % 3;
    return (bright ? 90 : 0) + random.below(120);
  });
  await writeFile(at('images.idx'), idxBytes([PICTURES, SIDE, SIDE, 3], bytes));
  await writeFile(at('labels.idx'), idxBytes([PICTURES], classes));
});

afterAll(() => rm(folder, { recursive: true }));

describe.skipIf(WHY_NOT !== null)(`examples/pytorch${WHY_NOT === null ? '' : `: ${WHY_NOT}`}`, () => {
  it('trains a network that is imported as it is, and answers the same when encrypted', async () => {
    const { stdout } = await train('--out', at('network.onnx'));
    expect(stdout).toMatch(/epoch 2 of 2: loss .*, (9\d|100)\.\d\d % of 240 test pictures/);

    const calibrated = ['--calibrate', at('images.idx'), '--labels', at('labels.idx')];
    const imported = await blindsight(
      'model',
      'import',
      at('network.onnx'),
      ...calibrated,
      '--out',
      at('ready.onnx'),
    );
    expect(imported.layers ?? []).toEqual([]);

    const evaluation = await blindsight(
      'evaluate',
      at('network.onnx'),
      '--images',
      at('images.idx'),
      ...data(),
    );
    expect(evaluation).toMatchObject({ images: 20, agreement: 1 });
    expect(evaluation.clearAccuracy).toBeGreaterThan(0.9);
    expect(evaluation.worstLogitError).toBeLessThan(0.1);
  });

  it('trains ways around that stay linear, and answers the same when encrypted', async () => {
    const { stdout } = await train('--out', at('around.onnx'), '--layers', 'l4k4s2 p4 p8s2');
    expect(stdout).toMatch(/epoch 2 of 2: loss .*, (9\d|100)\.\d\d % of 240/);
    const evaluation = await blindsight(
      'evaluate',
      at('around.onnx'),
      '--images',
      at('images.idx'),
      ...data(),
    );
    expect(evaluation).toMatchObject({ images: 20, agreement: 1 });
  });

  it('teaches a network what another one with ReLU and a residual block has learnt', async () => {
    await train(
      '--out',
      at('teacher.onnx'),
      '--layers',
      '8k4s2 r8s2',
      '--activation',
      'relu',
      '--epochs',
      '1',
    );
    const { stdout } = await train('--out', at('pupil.onnx'), '--teacher', at('teacher.pt'));
    expect(stdout).toMatch(/epoch 2 of 2: loss .*, (9\d|100)\.\d\d % of 240/);
    await writeFile(
      at('two.idx'),
      idxBytes(
        [PICTURES],
        new Uint8Array(PICTURES).map((_, i) => i % 2),
      ),
    );
    const two = ['--labels', at('two.idx'), '--test-labels', at('two.idx')];
    await expect(train('--out', at('x.onnx'), '--teacher', at('teacher.pt'), ...two)).rejects.toMatchObject({
      stderr: expect.stringMatching(/teacher\.pt: 3 channels and 3 classes, but the pictures have 3 and 2/),
    });
  });

  it.skipIf(spawnSync(PYTHON, ['-c', 'import onnx']).status !== 0)(
    'takes a teacher as ONNX, whose answers are those of the network that was written',
    async () => {
      const layers = ['--layers', '8k4s2 r8s2', '--activation', 'relu', '--epochs', '1'];
      await train('--out', at('given.onnx'), ...layers);
      const compare = `
import sys, torch
sys.path.insert(0, ${JSON.stringify(join(root, 'examples/pytorch'))})
from given import Given
from train import load
pictures = torch.rand(5, 3, ${SIDE}, ${SIDE})
(own, _), given = load(${JSON.stringify(at('given.pt'))}, '', 3, ${CLASSES}), Given(${JSON.stringify(at('given.onnx'))}, [0.0], [1.0])
shifted = Given(${JSON.stringify(at('given.onnx'))}, [0.5, 0.25, 0.0], [2.0, 1.0, 4.0])
put = pictures * torch.tensor([2.0, 1.0, 4.0]).view(1, 3, 1, 1) + torch.tensor([0.5, 0.25, 0.0]).view(1, 3, 1, 1)
with torch.no_grad(): print(float(own(pictures).abs().max()) > 0.1, *(float((own(pictures) - answers).abs().max()) < 1e-4 for answers in (given(pictures), shifted(put))))`;
      expect((await run(PYTHON, ['-B', '-c', compare])).stdout).toBe('True True True\n');
      const { stdout } = await train('--out', at('pupil.onnx'), '--teacher', at('given.onnx'));
      expect(stdout).toMatch(/epoch 2 of 2: loss .*, (9\d|100)\.\d\d % of 240/);
    },
  );

  it.each([
    ['layers that are none', ['--layers', '64 x3'], /"x3" is no layer/],
    ['labels of other pictures', ['--images', 'IMAGES', 'IMAGES'], /480 pictures, but 240 labels/],
  ])('refuses %s, and writes nothing', async (_, words, stderr) => {
    const all = words.map((word) => (word === 'IMAGES' ? at('images.idx') : word));
    await expect(train('--out', at('refused.onnx'), ...all)).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(stderr),
    });
    await expect(stat(at('refused.onnx'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
