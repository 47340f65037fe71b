import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readBoxes } from '#network/training/boxes/read-boxes.ts';
import { labelClip } from '#network/training/labelling/label-clip.ts';
import { subtractBackground } from '#network/training/labelling/subtract-background.ts';

const root = join(import.meta.dirname, '..', '..');
const execute = promisify(execFile);
const label = (...words: string[]) =>
  execute(process.execPath, [join(root, 'cli/main.ts'), 'label', ...words], { cwd: root }).catch(
    (error: object) => error as { stdout: string; stderr: string; code: number },
  );

describe('blindsight label', () => {
  let folder: string;
  const path = (name: string): string => join(folder, name);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'label-'));
    // Something red of 20 × 30 pixels crosses 160 × 120 of grey with noise, 3 pixels a frame, from frame 10 on.
    const scene = 'color=gray:size=160x120:rate=10:duration=4,noise=alls=6:allf=t';
    const thing = 'color=red:size=20x30:rate=10:duration=4';
    const over = "[0][1]overlay=x='30*t-50':y=40";
    await execute('ffmpeg', [
      ...['-v', 'error', '-f', 'lavfi', '-i', scene, '-f', 'lavfi', '-i', thing],
      ...['-filter_complex', over, '-c:v', 'ffv1', path('clip.mkv')],
    ]);
  });

  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  it('writes boxes where something moves, and a sheet to check them', async () => {
    const { stdout } = await label(
      path('clip.mkv'),
      '--out',
      path('b.csv'),
      '--label',
      'car',
      '--sheet',
      path('b.jpg'),
    );
    expect(stdout).toMatch(/b\.csv: \d+ boxes of 1 thing in 40 frames of 160 × 120\n/);
    const boxes = await readBoxes(path('b.csv'), { labels: ['car'] });
    boxes.checkClip('clip', { width: 160, height: 120, frames: 40 });
    for (let frame = 17; frame < 40; frame++) {
      const [box, ...more] = boxes.of(frame);
      expect(more, `frame ${frame}`).toEqual([]);
      expect(Math.abs(box!.x - (3 * frame - 50)), `frame ${frame}`).toBeLessThanOrEqual(2);
      expect(box).toMatchObject({ y: 40, height: 30 });
    }
    expect(boxes.of(9)).toEqual([]);
    // All 40 frames, ten rows of four, as high as the clip is for its width.
    expect(await sharp(path('b.jpg')).metadata()).toMatchObject({
      format: 'jpeg',
      width: 1920,
      height: 3600,
    });
    const again = await label(path('clip.mkv'), '--out', path('b.csv'));
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('b.csv exists already') });
  });

  it('tells what stands out without knowing what comes: the baseline', async () => {
    const all = await subtractBackground(path('clip.mkv'), 100 / (160 * 120));
    expect(all).toHaveLength(40);
    // A mean remembers what was there a moment ago, so a box may reach back; it begins where the thing is.
    const right = all
      .slice(30)
      .filter((boxes, i) =>
        boxes.some((box) => Math.abs((box.x + box.width) * 160 - Math.min(160, 3 * (30 + i) - 30)) <= 2),
      );
    expect(right.length).toBeGreaterThanOrEqual(8);
    expect(all[0]).toEqual([]);
  });

  it('says that a clip is none, and stops when it is told to', async () => {
    await writeFile(path('none.mp4'), 'this is no video');
    const none = labelClip({ clip: path('none.mp4'), out: path('n.csv') });
    await expect(none).rejects.toThrow('no video in this file');
    const controller = new AbortController();
    const stopped = labelClip({
      clip: path('clip.mkv'),
      out: path('s.csv'),
      signal: controller.signal,
      onProgress: ({ frames }) => void (frames === 20 && controller.abort(new Error('enough'))),
    });
    await expect(stopped).rejects.toThrow();
    await expect(readFile(path('s.csv'))).rejects.toThrow('ENOENT');
  });
});
