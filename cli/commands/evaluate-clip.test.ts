import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countsEvaluationJson, countsEvaluationText } from '#backend/evaluation/counts-report.ts';
import { evaluateClip } from '#backend/evaluation/evaluate-clip.ts';
import { type CountsEvaluationRequest, evaluateCounts } from '#backend/evaluation/evaluate-counts.ts';
import { loadNetwork } from '#network/model/description/load-network.ts';
import { writeOnnx } from '#network/model/onnx/onnx.ts';
import { graphOf, node } from '#network/testing/small-graphs.ts';
import { SQUARE_FINDER, squareFinder } from '#network/testing/square-finder.ts';
import { boxesCsv } from '#network/training/boxes/write-boxes.ts';
import { zone } from './evaluate-clip.ts';

const root = join(import.meta.dirname, '..', '..');
const execute = promisify(execFile);
const FRAMES = 40;

describe('blindsight evaluate, of a map', () => {
  let folder: string;
  const path = (name: string): string => join(folder, name);
  const evaluate = (...words: string[]) =>
    execute(process.execPath, [join(root, 'cli/main.ts'), 'evaluate', path('net'), ...words], {
      cwd: root,
      env: { ...process.env, XDG_CACHE_HOME: folder },
    }).catch((error: object) => error as { stdout: string; stderr: string; code: number });
  const onClip = (...words: string[]) =>
    evaluate('--clip', path('clip.mkv'), '--boxes', path('boxes.csv'), ...words);
  /** A white thing of 40 × 40 pixels crosses 320 × 240 of grey, 8 pixels a frame, never half in one cell and half in the next; another stands still. */
  const boxesOf = (frame: number) => [
    { frame, x: 8 * frame - 17, y: 80, width: 40, height: 40 },
    { frame, x: 80, y: 40, width: 40, height: 40 },
  ];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'evaluate-clip-'));
    const grey = 'color=0x808080:size=320x240:rate=10:duration=4,format=gbrp';
    const white = 'color=white:size=40x40:rate=10:duration=4,format=gbrp';
    await execute('ffmpeg', [
      ...['-v', 'error', '-f', 'lavfi', '-i', grey, '-f', 'lavfi', '-i', white],
      '-filter_complex',
      "[1]split[a][b];[0][a]overlay=x='80*t-17':y=80:format=gbrp[c];[c][b]overlay=x=80:y=40:format=gbrp",
      ...['-c:v', 'ffv1', path('clip.mkv')],
    ]);
    const boxes = Array.from({ length: FRAMES }, (_, frame) => boxesOf(frame)).flat();
    await writeFile(path('boxes.csv'), boxesCsv(boxes));
    const labelled = boxes.map(({ frame, x, y, width, height }) =>
      [frame, 'thing', x, y, width, height].join(),
    );
    await writeFile(path('labelled.csv'), ['frame,label,x,y,width,height', ...labelled, ''].join('\n'));
    await mkdir(path('net'));
    const map = { height: 6, width: 8 };
    await writeFile(path('net/finder.onnx'), writeOnnx(squareFinder(map)));
    await writeFile(path('net/finder.json'), JSON.stringify({ ...SQUARE_FINDER, map }));
  });

  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  it('finds the same encrypted and in the clear, beside two baselines, and draws it', async () => {
    const left = 'left 0,0 0.5,0 0.5,1 0,1';
    const run = await onClip('--from', '0.5', '--json', '--zone', left, '--report', path('report'));
    expect(run.stdout, run.stderr).not.toBe('');
    const result = JSON.parse(run.stdout);
    expect(result).toMatchObject({ frames: 20, firstFrame: 20, agreement: 1, withheld: 0, ringDegree: 8192 });
    expect(result.worstLogitError).toBeLessThan(0.01);
    expect(result.f1).toBeGreaterThan(0.9);
    expect(result.clear.f1).toBe(result.f1);
    expect(result.released.f1).toBeLessThanOrEqual(result.f1);
    expect(result.latencyMs.p95).toBeGreaterThanOrEqual(result.latencyMs.median);
    expect(result.bundleBytes).toBeGreaterThan(10_000);
    // The mean count is right for two things in every frame. Whoever subtracts the background never sees what stands still.
    expect(result.baselines.meanCount).toEqual({ count: [2], countMeanError: 0, withinOne: 1 });
    expect(result.baselines.backgroundSubtraction).toMatchObject({ frames: 20, recall: 0.5 });
    expect(result.zones).toEqual([
      { name: 'left', countMeanError: 0, withinOne: 1, meanFound: 1, meanThere: 1 },
    ]);
    for (const picture of ['precision-recall.svg', 'counts.svg'])
      expect(await readFile(join(path('report'), picture), 'utf8')).toMatch(/^<svg [\s\S]*finder/);
    expect(await sharp(join(path('report'), 'frames.jpg')).metadata()).toMatchObject({ format: 'jpeg' });
  });

  it('refuses boxes of another clip, and options that do not fit a map', async () => {
    await writeFile(path('other.csv'), boxesCsv([{ frame: FRAMES, x: 1, y: 1, width: 2, height: 3 }]));
    const network = await loadNetwork(path('net'));
    const others = { network, clip: path('clip.mkv'), boxes: path('other.csv'), engine: 'clear' } as const;
    await expect(evaluateClip(others)).rejects.toThrow(
      'other.csv:2: a box in frame 40 (the first is 0), but ',
    );
    expect(await evaluate('--clip', path('clip.mkv'))).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('finder answers with a map: give --clip and --boxes'),
    });
    expect(() => zone('gate 0,0 1,1')).toThrow('Expected a name and three corners');
    expect(() => zone('gate 0,0 1,1 2,0')).toThrow('Expected a name and three corners');
  });

  /** Two outputs: how much of a picture of 24 × 32 is white, in things of 4 × 4, plus an offset; and nothing. */
  async function writeCounter(
    name: string,
    task: 'count' | 'labels',
    offset: number,
    logitRange = 8,
  ): Promise<void> {
    const grey = 128 / 255;
    const each = 1 / (16 * (1 - grey));
    const weights = Float32Array.from({ length: 2 * 768 }, (_, i) => (i < 768 ? each : 0));
    const tensor = (data: Float32Array, shape: readonly number[]) => ({
      type: 'float32' as const,
      shape,
      data,
    });
    const graph = graphOf(
      [1, 24, 32],
      2,
      { w: tensor(weights, [2, 768]), b: tensor(Float32Array.of(offset - 768 * each * grey, -0.2), [2]) },
      [
        node('Flatten', ['picture'], 'flat'),
        node('Gemm', ['flat', 'w', 'b'], 'logits', {
          transB: { kind: 'int', value: 1 },
        }),
      ],
    );
    await mkdir(path(name));
    await writeFile(path(`${name}/${name}.onnx`), writeOnnx(graph));
    const description = { task, labels: ['thing', 'ghost'], activationRanges: [], logitRange };
    await writeFile(path(`${name}/${name}.json`), JSON.stringify(description));
  }
  const count = async (name: string, more: Partial<CountsEvaluationRequest> = {}) =>
    evaluateCounts({
      ...{ network: await loadNetwork(path(name)), clip: path('clip.mkv'), boxes: path('labelled.csv') },
      ...{ from: 0.5, limit: 4, engine: 'clear', ...more },
    });

  it('counts the same encrypted and in the clear, label by label', async () => {
    // A quarter of a thing too many is still the right number, one and three quarters are not.
    await writeCounter('counter', 'count', 0.25);
    await writeCounter('dreamer', 'count', 1.75);
    const right = { accuracy: 1, count: { countMeanError: 0, withinOne: 1 } };
    const evaluation = await count('counter', { engine: 'engine' });
    expect(evaluation).toMatchObject({ task: 'count', frames: 4, firstFrame: 20, ...right, agreement: 1 });
    expect(evaluation.labels).toEqual([
      { label: 'thing', ...right, clear: right, always: { answer: 2, ...right } },
      { label: 'ghost', ...right, clear: right, always: { answer: 0, ...right } },
    ]);
    expect(evaluation.worstLogitError).toBeGreaterThan(0);
    expect(evaluation.worstLogitError).toBeLessThan(0.01);
    expect(countsEvaluationJson(evaluation)).toMatchObject({ countMeanError: 0, withinOne: 1, withheld: 0 });
    const text = countsEvaluationText(evaluation);
    expect(text).toContain('| thing, encrypted | 100.00 % | 0.00 | 100.00 % |');
    expect(text).toContain('| thing, always 2, most frequent before | 100.00 %');
    expect(text).toContain('| security | 128 bits');

    const wrong = await count('dreamer');
    expect(wrong).toMatchObject({
      accuracy: 0.5,
      count: { countMeanError: 1, withinOne: 0.5 },
      agreement: 1,
    });
    expect(countsEvaluationText(wrong)).not.toMatch(/crypt|bundle|security/i);
  });

  it('says of each label how often it is right, and counts nothing in answers that are withheld', async () => {
    await writeCounter('holder', 'labels', -1);
    await writeCounter('missing', 'labels', -3);
    // Answers 12, and none above 10.5 is given.
    await writeCounter('withholder', 'labels', 10, 7);
    const holds = await count('holder');
    expect(holds).toMatchObject({ task: 'labels', accuracy: 1, clear: { accuracy: 1 } });
    expect(holds).not.toHaveProperty('count');
    expect(countsEvaluationText(holds)).toContain('| thing, always yes, most frequent before | 100.00 % |');
    const misses = await count('missing');
    expect(misses.labels.map(({ accuracy }) => accuracy)).toEqual([0, 1]);
    const withheld = await count('withholder');
    expect(withheld).toMatchObject({ withheld: 4, agreement: 0, accuracy: 0.5, clear: { accuracy: 1 } });
    await expect(count('net')).rejects.toThrow('finder neither counts nor says which labels hold');
  });

  it('takes a folder for the network in it, if there is one', async () => {
    await expect(loadNetwork(folder)).rejects.toThrow('no network in this folder; name the ONNX file');
    expect(await loadNetwork(path('net/finder.onnx'))).toEqual(await loadNetwork(path('net')));
  });
});
