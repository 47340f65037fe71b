import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { prepareFrame, readClip, readFrameLabels, readFrames } from './clip.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clip-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** A 4 × 2 frame: left half red, right half white. */
const frame = Uint8Array.from({ length: 24 }, (_, i) =>
  Math.floor(i / 3) % 4 < 2 ? (i % 3 === 0 ? 255 : 0) : 255,
);

describe('Clip', () => {
  it('lays pictures out channel first, in [0, 1]', async () => {
    const values = await prepareFrame(frame, { width: 4, height: 2 }, { channels: 3, height: 2, width: 4 });
    expect([...values.slice(0, 8)]).toEqual(new Array(8).fill(1));
    expect([...values.slice(8, 16)]).toEqual([0, 0, 1, 1, 0, 0, 1, 1]);
  });

  it('crops before it resizes', async () => {
    const region = { x: 0.5, y: 0, width: 0.5, height: 1 };
    const values = await prepareFrame(
      frame,
      { width: 4, height: 2 },
      { channels: 1, height: 1, width: 2 },
      region,
    );
    expect([...values]).toEqual([1, 1]);
  });

  it('reads labels and names the line that is wrong', async () => {
    const file = join(folder, 'labels.csv');
    await writeFile(file, 'frame,presence\n0,absent\n1,present\n');
    expect(await readFrameLabels(file)).toEqual(['absent', 'present']);
    await writeFile(file, 'frame,presence\n0,absent\n2,present\n');
    await expect(readFrameLabels(file)).rejects.toThrow(`${file}:3: expected "1,label", found "2,present"`);
  });

  it('reads a clip of odd sides as it was filmed', async () => {
    const clip = join(folder, 'odd.mkv');
    const filmed = 'color=red:size=321x241:rate=1:duration=2,format=gbrp';
    await promisify(execFile)('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', filmed, '-c:v', 'ffv1', clip]);
    const labels = join(folder, 'odd.csv');
    await writeFile(labels, 'frame,presence\n0,absent\n1,present\n');
    const picture = { channels: 3, height: 5, width: 7 };
    const region = { x: 0.5, y: 0.1, width: 0.5, height: 0.9 };
    const { pictures, classes } = await readClip(clip, labels, ['absent', 'present'], picture, { region });
    expect([...classes]).toEqual([0, 1]);
    const red = [...new Array(35).fill(1), ...new Array(70).fill(0)];
    // The colour source reaches only 254 of 255.
    expect([...pictures].map((value) => Math.round(value))).toEqual([...red, ...red]);
  });

  it('turns a clip upright that was filmed on its side', async () => {
    const [flat, turned] = [join(folder, 'flat.mp4'), join(folder, 'turned.mp4')];
    const source = 'testsrc=size=48x32:rate=10:duration=0.2';
    const run = (...words: string[]) => promisify(execFile)('ffmpeg', ['-v', 'error', ...words]);
    await run('-f', 'lavfi', '-i', source, '-c:v', 'mpeg4', flat);
    await run('-display_rotation', '90', '-i', flat, '-c', 'copy', turned).catch(() =>
      run('-i', flat, '-c', 'copy', '-metadata:s:v:0', 'rotate=90', turned),
    );
    const sizes: object[] = [];
    for await (const { size } of readFrames(turned)) sizes.push(size);
    expect(sizes).toEqual([
      { width: 32, height: 48 },
      { width: 32, height: 48 },
    ]);
  });

  it('refuses a clip that changes its size, and names the frame', async () => {
    const parts = await Promise.all(
      ['32x24', '48x24'].map(async (size) => {
        const part = join(folder, `${size}.ts`);
        const source = `testsrc=size=${size}:rate=10:duration=0.5`;
        const encoded = ['-c:v', 'mpeg2video', '-f', 'mpegts', part];
        await promisify(execFile)('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', source, ...encoded]);
        return readFile(part);
      }),
    );
    const clip = join(folder, 'changing.ts');
    await writeFile(clip, Buffer.concat(parts));
    const read = async () => {
      let frames = 0;
      for await (const { size } of readFrames(clip)) frames += size.width / 32;
      return frames;
    };
    await expect(read()).rejects.toThrow(
      /changing\.ts: frame \d+ \(the first is 0\) has 48x24 pixels, those before it 32x24; cut it/,
    );
  });

  it('says so where a clip is none', async () => {
    const labels = join(folder, 'ok.csv');
    const clip = join(folder, 'clip.mp4');
    await writeFile(labels, 'frame,presence\n0,absent\n');
    await writeFile(clip, 'this is no video');
    const picture = { channels: 1, height: 2, width: 2 };
    await expect(readClip(clip, labels, ['absent'], picture)).rejects.toThrow('no video in this file');
  });
});
