import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeOnnx } from '#network/model/onnx/onnx.ts';
import { SeededRandom } from '#network/model/random.ts';
import { runGraph } from '#network/model/run/run.ts';
import { idxBytes } from '#network/testing/idx-bytes.ts';
import { graphOf, node, randomPictures, randomTensor } from '#network/testing/small-graphs.ts';
import { runHere } from '../testing/run-here.ts';

const root = join(import.meta.dirname, '..', '..');
const PICTURES = 50;
const SIDE = 6;
const PAD = 1;
const OUTER = SIDE + 2 * PAD;

let folder = '';
const at = (name: string): string => join(folder, name);

/** What `blindsight` prints, with a cache of its own; else rejects with { code, stderr }. */
const blindsight = (...words: string[]) =>
  promisify(execFile)(process.execPath, [join(root, 'cli/main.ts'), ...words], {
    cwd: root,
    env: { ...process.env, XDG_CACHE_HOME: folder },
  });

const evaluate = (...words: string[]) =>
  blindsight(
    ...['evaluate', at('sigmoid.onnx'), '--json', '--pad', String(PAD)],
    ...['--images', at('images.idx'), '--labels', at('labels.idx'), ...words],
  );

/** Pictures of which the network's owner took 0.5 off, and divided by 0.25. */
const scaling = ['--divide', '255', '--mean', '0.5', '--std', '0.25'];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'blindsight-evaluate-'));
  const random = new SeededRandom(3);
  const constants = { w: randomTensor(random, [OUTER * OUTER, 5], 0.1), v: randomTensor(random, [5, 3], 3) };
  const graph = graphOf([1, OUTER, OUTER], 3, constants, [
    node('Flatten', ['picture'], 'x'),
    node('MatMul', ['x', 'w'], 'd'),
    node('Sigmoid', ['d'], 's'),
    node('MatMul', ['s', 'v'], 'logits'),
  ]);
  const pictures = randomPictures(6, PICTURES, SIDE * SIDE).map((picture) =>
    picture.map((value) => Math.round(255 * value)),
  );
  const classes = pictures.map((picture) => {
    const black = (0 - 0.5) / 0.25;
    const prepared = new Float32Array(OUTER * OUTER).fill(black);
    picture.forEach((byte, i) => {
      const row = Math.floor(i / SIDE) + PAD;
      prepared[row * OUTER + (i % SIDE) + PAD] = (byte / 255 - 0.5) / 0.25;
    });
    const logits = runGraph(graph, prepared);
    return logits.indexOf(Math.max(...logits));
  });
  await writeFile(at('sigmoid.onnx'), writeOnnx(graph));
  await writeFile(
    at('images.idx'),
    idxBytes(
      [PICTURES, SIDE, SIDE],
      pictures.flatMap((picture) => [...picture]),
    ),
  );
  await writeFile(at('labels.idx'), idxBytes([PICTURES], classes));
  for (const [i, picture] of pictures.entries()) {
    const file = at(`photos/${'abc'[classes[i]!]}/${i}.png`);
    await mkdir(dirname(file), { recursive: true });
    const raw = { width: SIDE, height: SIDE, channels: 1 } as const;
    await sharp(Uint8Array.from(picture), { raw }).png().toFile(file);
  }
  await mkdir(at('photos/b'));
  await cp(at(`photos/${'abc'[classes[0]!]}/0.png`), at('photos/b/again.png'));
  await writeFile(at('small.idx'), idxBytes([20, 3, 3], new Uint8Array(180)));
});

afterAll(() => rm(folder, { recursive: true }));

describe('evaluate', () => {
  it('puts what does not fit into memory where it is told to', async () => {
    const bounded = (megabytes: string, ...words: string[]) =>
      evaluate(...scaling, '--memory', megabytes, ...words).then(
        ({ stdout }) => stdout,
        ({ stderr }: { readonly stderr: string }) => stderr,
      );
    const least = /least that works is (\d+) MB/.exec(await bounded('1'))?.[1];
    const refused = await bounded(least!, '--disk', at('nowhere'));
    expect(refused).toContain('FHE_DISK');
    expect(refused).toContain(at('nowhere'));
    expect(JSON.parse(await bounded(least!)).bytesPerRun).toBeGreaterThan(0);
  });

  it('prepares pictures as their owner did, and takes the network as it is with --engine original', async () => {
    expect(JSON.parse((await evaluate(...scaling, '--engine', 'original')).stdout)).toEqual({
      images: PICTURES,
      clearAccuracy: 1,
    });
  });

  it('leaves the pictures that calibrate an approximation out of the measurement', async () => {
    const { stdout, stderr } = await evaluate(...scaling, '--engine', 'clear');
    const evaluation = JSON.parse(stdout);
    expect(Object.keys(evaluation)).toEqual([
      ...['images', 'clearAccuracy', 'polynomialAccuracy', 'programAccuracy', 'agreement'],
      ...['worstLogitError', 'latencyMs', 'ringDegree', 'logQP'],
    ]);
    expect(evaluation).toMatchObject({ images: 40, agreement: 1 });
    // The labels are the network's own answers: what approximation loses is not called the network's.
    expect(evaluation.clearAccuracy).toBe(1);
    expect(evaluation.polynomialAccuracy).toBeGreaterThan(0.8);
    expect(evaluation.programAccuracy).toBe(evaluation.polynomialAccuracy);
    expect(stderr).not.toMatch(/key|crypt/i);
    expect(stderr).toContain("… Sigmoid 's' → ");
    const others = ['--calibrate', at('images.idx'), '--engine', 'clear'];
    expect(JSON.parse((await evaluate(...scaling, ...others)).stdout)).toMatchObject({ images: PICTURES });
  });

  it('refuses to calibrate on pictures of another size', async () => {
    await expect(evaluate('--calibrate', at('small.idx'))).rejects.toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/small\.idx: pictures of 1×5×5.* 1×8×8[\s\S]*NETWORK_SHAPE/),
    });
  });

  it('reads folders of pictures, one a class, as the gateway would prepare them', async () => {
    const { stdout } = await runHere(
      ...['evaluate', at('sigmoid.onnx'), '--pictures', at('photos'), '--classes', 'a,b,c', '--json'],
      ...['--pad', String(PAD), ...scaling, '--engine', 'original'],
    );
    // One picture lies in two folders, and is one class only.
    expect(JSON.parse(stdout)).toEqual({ images: PICTURES + 1, clearAccuracy: PICTURES / (PICTURES + 1) });
  });

  it('reads clips with a label file, and leaves out what was trained on', async () => {
    const source = ['-f', 'lavfi', '-i', 'testsrc=size=64x48:rate=10', '-t', '2', at('clip.mp4')];
    await promisify(execFile)('ffmpeg', ['-v', 'error', ...source]);
    const measure = async (label: string) => {
      const lines = Array.from({ length: 20 }, (_, frame) => `${frame},${label}`);
      await writeFile(at('frames.csv'), ['frame,label', ...lines, ''].join('\n'));
      const words = ['--clip', at('clip.mp4'), '--labels', at('frames.csv'), '--train-share', '0.6'];
      const { stdout } = await runHere('evaluate', 'counter', ...words, '--engine', 'original', '--json');
      return JSON.parse(stdout);
    };
    const [absent, present] = [await measure('absent'), await measure('present')];
    expect(absent.images).toBe(8);
    // The bundled network has names for its outputs: what is one is not the other.
    expect(absent.clearAccuracy + present.clearAccuracy).toBe(1);
  });

  it.each([
    ['no pictures at all', [], /which pictures\? Give --images and --labels/],
    ['two kinds of pictures', ['--images', 'a', '--clip', 'b'], /which pictures/],
    [
      'a region without a clip',
      ['--images', 'a', '--labels', 'b', '--region', '0,0,1,1'],
      /--region goes with --clip/,
    ],
    ['pictures without classes', ['--images', 'a'], /with --labels/],
    ['a clip without labels', ['--clip', 'a.mp4'], /a clip needs --labels \(CSV\) and --classes/],
    [
      'labels beside folders',
      ['--pictures', 'a', '--labels', 'b'],
      /folders below --pictures are the classes/,
    ],
  ])('refuses %s', async (_, words, stderr) => {
    await expect(runHere('evaluate', at('sigmoid.onnx'), ...words)).rejects.toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(stderr),
    });
  });

  it('refuses two named classes for three outputs', async () => {
    const words = ['--pictures', at('photos'), '--pad', String(PAD), '--classes', 'a,b'];
    await expect(runHere('evaluate', at('sigmoid.onnx'), ...words)).rejects.toMatchObject({
      stderr: expect.stringMatching(/c: not one of the classes a, b/),
    });
    await rm(at('two'), { recursive: true, force: true });
    for (const name of ['a', 'b']) await cp(at(`photos/${name}`), at(`two/${name}`), { recursive: true });
    const two = ['--pictures', at('two'), '--pad', String(PAD)];
    await expect(runHere('evaluate', at('sigmoid.onnx'), ...two)).rejects.toMatchObject({
      stderr: expect.stringMatching(/2 classes \(a, b\), but the network has 3 outputs.*--classes/),
    });
  });

  it('lets explain hold its estimate against what frames took', async () => {
    await writeFile(at('digits.idx'), idxBytes([6, 28, 28], new Uint8Array(6 * 28 * 28)));
    await writeFile(at('zeros.idx'), idxBytes([6], new Uint8Array(6)));
    const explain = async () => JSON.parse((await blindsight('explain', 'e2dm', '--json')).stdout);
    const pictures = ['--images', at('digits.idx'), '--labels', at('zeros.idx'), '--json'];
    const { latencyMs, agreement } = JSON.parse((await blindsight('evaluate', 'e2dm', ...pictures)).stdout);
    expect(agreement).toBe(1);
    const { measured, machine, estimatedMs } = await explain();
    expect(machine.measured).toBe(true);
    expect(measured).toMatchObject({ frames: 6, medianMs: latencyMs.median, p95Ms: latencyMs.p95 });
    expect(measured.ratio).toBeCloseTo(estimatedMs.total / latencyMs.median, 9);
  });
});
