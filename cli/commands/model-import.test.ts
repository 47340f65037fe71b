import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadNetwork } from '#network/model/description/load-network.ts';
import { writeOnnx } from '#network/model/onnx/onnx.ts';
import { SeededRandom } from '#network/model/random.ts';
import { runGraph } from '#network/model/run/run.ts';
import { idxBytes } from '#network/testing/idx-bytes.ts';
import { graphOf, ints, node, randomPictures, randomTensor } from '#network/testing/small-graphs.ts';
import { runHere } from '../testing/run-here.ts';

const root = join(import.meta.dirname, '..', '..');
const PICTURES = 400;
const SIDE = 4;
const LABELS = ['a', 'b', 'c'];

/** Ends with the output of a command that succeeds; else rejects with { code, stderr }. */
const run = (...words: string[]) =>
  promisify(execFile)(process.execPath, [join(root, 'cli/main.ts'), ...words], { cwd: root });

/** Dense → ReLU → dense on bytes 0 … 255. */
function reluGraph() {
  const random = new SeededRandom(5);
  const constants = {
    w0: randomTensor(random, [SIDE * SIDE, 8], 0.002),
    b0: randomTensor(random, [8], 0.1),
    w1: randomTensor(random, [8, 3], 2),
    b1: randomTensor(random, [3], 0.1),
  };
  return graphOf([1, SIDE, SIDE], 3, constants, [
    node('Flatten', ['picture'], 'x'),
    node('Gemm', ['x', 'w0', 'b0'], 'd'),
    node('Relu', ['d'], 'r'),
    node('Gemm', ['r', 'w1', 'b1'], 'logits'),
  ]);
}

let folder = '';
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'blindsight-import-'));
  const graph = reluGraph();
  const values = randomPictures(6, PICTURES, SIDE * SIDE).flatMap((picture) => [...picture]);
  const bytes = Uint8Array.from(values, (value) => Math.round(255 * value));
  const logits = runGraph(graph, Float32Array.from(bytes));
  const classes = Uint8Array.from({ length: PICTURES }, (_, n) => {
    const row = logits.subarray(3 * n, 3 * n + 3);
    return row.indexOf(Math.max(...row));
  });
  await writeFile(at('relu.onnx'), writeOnnx(graph));
  await writeFile(at('images.idx'), idxBytes([PICTURES, SIDE, SIDE], bytes));
  await writeFile(at('labels.idx'), idxBytes([PICTURES], classes));
  await writeFile(at('none.idx'), idxBytes([0, SIDE, SIDE], new Uint8Array()));
  await writeFile(at('half.idx'), idxBytes([PICTURES, SIDE, SIDE], bytes).subarray(0, 3000));
});

afterAll(() => rm(folder, { recursive: true }));

const data = () => ['--calibrate', at('images.idx'), '--labels', at('labels.idx'), '--divide', '1'];

describe('model import', () => {
  it('writes a network that evaluates as it stands, and says what became of each layer', async () => {
    const out = at('made/protected.onnx');
    const words = ['--classes', LABELS.join(','), '--fine-tune', '3', '--tolerance', '20', '--json'];
    const { stdout, stderr } = await run(
      'model',
      'import',
      at('relu.onnx'),
      ...data(),
      ...words,
      '--out',
      out,
    );
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({
      network: out,
      accuracyBefore: 1,
      layers: [{ operator: 'Relu', degree: 2 }],
    });
    expect(report.accuracyAfter).toBeGreaterThan(0.8);
    expect(report.layers[0].high).toBeGreaterThan(report.layers[0].low);
    expect(stderr).toMatch(/^… reading .*images\.idx\n/);
    expect(await loadNetwork(out)).toMatchObject({
      name: 'protected',
      labels: LABELS,
      ranges: report.ranges,
    });
    const files = ['--images', at('images.idx'), '--labels', at('labels.idx'), '--limit', '8', '--json'];
    const evaluation = JSON.parse((await runHere('evaluate', out, ...files)).stdout);
    expect(evaluation).toMatchObject({ images: 8, agreement: 1 });
  });

  it('takes polynomials of higher degree all the way', async () => {
    const out = at('fourth.onnx');
    const words = [...data(), '--degree', '4', '--tolerance', '20', '--out', out];
    const { stdout } = await run('model', 'import', at('relu.onnx'), ...words);
    expect(stdout).toMatch(/\nr +Relu .* 4 /);
    expect(stdout).toMatch(
      /accuracy on held-out pictures: 100\.00 % \(80 of 80\) as given, .*\nwritten: .*fourth\.onnx\n$/,
    );
    const files = ['--images', at('images.idx'), '--labels', at('labels.idx'), '--limit', '8', '--json'];
    const evaluation = JSON.parse((await runHere('evaluate', out, ...files)).stdout);
    expect(evaluation).toMatchObject({ images: 8, agreement: 1 });
    expect(evaluation.worstLogitError).toBeLessThan(0.05);
  });

  it('keeps what fine-tuning made where it refuses it', async () => {
    const words = [...data(), '--fine-tune', '1', '--learning-rate', '0.5', '--tolerance', '0'];
    const failure = await runHere(
      ...['model', 'import', at('relu.onnx'), ...words, '--out', at('lost.onnx')],
    ).catch((error: { code: number; stderr: string }) => error);
    expect(failure).toMatchObject({ code: 1, stderr: expect.stringMatching(/kept as .*lost-refused\.onnx/) });
    expect(failure.stderr).toContain('code: NETWORK_ACCURACY');
    await expect(readFile(at('lost.onnx'))).rejects.toThrow('ENOENT');
    expect(await loadNetwork(at('lost-refused.onnx'))).toMatchObject({ name: 'lost-refused' });
  });

  it.each([
    ['a name that will not do', 'refused.txt', 'must end in .onnx'],
    ['a folder that cannot be made', 'images.idx/below/refused.onnx', 'cannot be written to'],
  ])('refuses %s for the outcome before it starts', async (_, name, message) => {
    const words = ['model', 'import', at('relu.onnx'), ...data(), '--out', at(name)];
    const failure = await runHere(...words).catch((error: { code: number; stderr: string }) => error);
    expect(failure).toMatchObject({ code: 1, stderr: expect.stringContaining(message) });
    expect(failure.stderr).not.toContain('measuring');
  });

  it.each([
    ['a loss beyond the tolerance', () => [...data(), '--tolerance', '0'], /NETWORK_ACCURACY/, /--fine-tune/],
    ['pictures without classes', () => ['--calibrate', at('images.idx')], /NETWORK_DATA/, /--labels/],
    [
      'a resume file without training',
      () => [...data(), '--resume', at('state')],
      /NETWORK_RESUME/,
      /give --fine-tune/,
    ],
    [
      'a resume file of what is not trained in stages',
      () => [...data(), '--fine-tune', '1', '--degree', '4', '--resume', at('state')],
      /NETWORK_RESUME/,
      /degree is 4/,
    ],
    [
      'a truncated file',
      () => ['--calibrate', at('half.idx'), '--labels', at('labels.idx')],
      /NETWORK_DATA/,
      /half\.idx/,
    ],
    [
      'two labels for three outputs',
      () => [...data(), '--classes', 'a,b'],
      /NETWORK_DATA/,
      /2 classes \(a, b\), but the network has 3 outputs.*--classes/,
    ],
    ['pictures of another size', () => [...data(), '--pad', '1'], /NETWORK_SHAPE/, /1×6×6/],
    [
      'a file without pictures',
      () => ['--calibrate', at('none.idx'), '--labels', at('labels.idx')],
      /NETWORK_DATA/,
      /nothing in it/,
    ],
    ['a file that is not there', () => ['--calibrate', at('missing.idx')], /missing\.idx/, /exists/],
  ])('refuses %s and writes nothing', async (_, words, code, advice) => {
    const out = at('refused.onnx');
    const failure = await runHere('model', 'import', at('relu.onnx'), ...words(), '--out', out).catch(
      (error: { code: number; stderr: string; stdout: string }) => error,
    );
    expect(failure).toMatchObject({ code: 1, stdout: '' });
    expect(failure.stderr).toMatch(code);
    expect(failure.stderr).toMatch(advice);
    await expect(readFile(out)).rejects.toThrow('ENOENT');
  });

  it('takes a network that makes a map, and finds on a clip with boxes how points are made of it', async () => {
    const random = new SeededRandom(8);
    const weights = {
      w: { ...randomTensor(random, [1, 2, 4, 4], 0), data: new Float32Array(32).fill(1 / 32) },
    };
    const strides = { strides: ints(4, 4) };
    const graph = graphOf([2, 24, 32], 48, weights, [node('Conv', ['picture', 'w'], 'logits', strides)]);
    await writeFile(
      at('spots.onnx'),
      writeOnnx({ ...graph, outputs: [{ ...graph.outputs[0]!, shape: [-1, 1, 6, 8] }] }),
    );
    await writeFile(
      at('flat.onnx'),
      writeOnnx({ ...graph, outputs: [{ ...graph.outputs[0]!, shape: [-1, 48] }] }),
    );
    // A white square moves to the right, two pixels a frame.
    const source =
      'color=black:size=64x48:rate=10:duration=3[g];color=white:size=8x8:rate=10[w];[g][w]overlay=x=2*n:y=20:shortest=1';
    await promisify(execFile)('ffmpeg', [
      '-v',
      'error',
      '-f',
      'lavfi',
      '-i',
      source,
      '-c:v',
      'ffv1',
      at('spot.avi'),
    ]);
    const lines = Array.from({ length: 30 }, (_, n) => `${n},spot,${2 * n},20,8,8`);
    await writeFile(at('spot.csv'), ['frame,label,x,y,width,height', ...lines].join('\n'));

    const words = ['--task', 'map', '--calibrate', at('spot.avi'), '--classes', 'spot'];
    const named = [...words, '--boxes', at('spot.csv'), '--motion', '2'];
    const { stdout } = await run(
      'model',
      'import',
      at('spots.onnx'),
      ...named,
      '--out',
      at('spots-in.onnx'),
      '--json',
    );
    expect(JSON.parse(stdout)).toMatchObject({ task: 'map', map: { height: 6, width: 8 }, pictures: 30 });
    const read = await loadNetwork(at('spots-in.onnx'));
    expect(read).toMatchObject({
      task: 'map',
      labels: ['spot'],
      map: { height: 6, width: 8 },
      motion: { seconds: 2 },
    });
    expect(read.decoding!.threshold).toBeGreaterThan(0);

    const refused = (network: string, ...more: string[]) =>
      expect(runHere('model', 'import', at(network), ...more, '--out', at('no.onnx'))).rejects;
    await refused('spots.onnx', ...words).toMatchObject({
      stderr: expect.stringContaining('give them with --boxes'),
    });
    await refused('flat.onnx', ...named).toMatchObject({
      stderr: expect.stringContaining('ends in 48 outputs, and a map of spot takes 1 × rows × columns'),
    });
    await refused('spots.onnx', ...named, '--task', 'count').toMatchObject({
      stderr: expect.stringContaining('a count of spot takes 1'),
    });
  });
});
