import { execFile, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SimulatedCamera } from './simulated-camera.ts';

const run = promisify(execFile);
const FRAMES = 20;
const RATE = 10;

/** Reads pictures from a camera. The numbers in the clip are told by brightness: frame k is grey with luma 16 + 8k. */
async function watch(url: string, count: number): Promise<number[]> {
  const input = ['-v', 'error', '-rtsp_transport', 'tcp', '-i', url, '-frames:v', String(count)];
  const onePixel = ['-fps_mode', 'passthrough', '-vf', 'extractplanes=y,scale=1:1', '-f', 'rawvideo', '-'];
  const { stdout } = await run('ffmpeg', [...input, ...onePixel], { encoding: 'buffer' });
  return [...stdout].map((luma) => Math.round((luma - 16) / 8));
}

describe('SimulatedCamera', () => {
  let folder: string;
  let clip: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'blindsight-clip-'));
    clip = join(folder, 'clip.mp4');
    // Two seconds with B frames and one key frame a second, like the clip that comes with Blindsight.
    const source = `color=c=black:s=64x64:r=${RATE}:d=${FRAMES / RATE},geq=lum='16+8*N':cb=128:cr=128`;
    const codec = ['-c:v', 'libx264', '-qp', '0', '-g', '10', '-bf', '2', '-pix_fmt', 'yuv420p'];
    execFileSync('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', source, ...codec, clip]);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('plays a clip over RTSP and TCP, in real time and without a seam', async () => {
    const camera = await SimulatedCamera.start(clip, () => {});
    try {
      const startedAt = Date.now();
      // The clip more than twice.
      const frames = await watch(camera.url, 50);
      const seconds = (Date.now() - startedAt) / 1000;
      expect(frames).toEqual(Array.from({ length: 50 }, (_, index) => (frames[0]! + index) % FRAMES));
      // What was sent since the last key frame comes at once; the rest takes its time.
      expect(seconds).toBeGreaterThan(3.5);
    } finally {
      await camera.stop();
    }
  });

  it('goes on while nobody watches', async () => {
    const camera = await SimulatedCamera.start(clip, () => {});
    try {
      // Whoever connects starts at the key frame before: frame 0 or 10 of the clip, depending on the time.
      const seen = new Set<number>();
      for (let attempt = 0; attempt < 12 && seen.size < 2; attempt++) {
        seen.add((await watch(camera.url, 1))[0]!);
        // Joining takes about a whole number of seconds; without a shift every attempt could meet the same key frame.
        await sleep(attempt * 130);
      }
      expect([...seen].sort((a, b) => a - b)).toEqual([0, 10]);
    } finally {
      await camera.stop();
    }
  });

  it('says what is wrong with a clip that it cannot play', async () => {
    await expect(SimulatedCamera.start(join(folder, 'missing.mp4'), () => {})).rejects.toMatchObject({
      code: 'DEMO_CAMERA',
    });
  });

  it('does not outlive the process that started it', async () => {
    const script = `
      import { SimulatedCamera } from ${JSON.stringify(join(import.meta.dirname, 'simulated-camera.ts'))};
      const camera = await SimulatedCamera.start(${JSON.stringify(clip)}, () => {});
      console.log(camera.pid);
      setInterval(() => {}, 1000);`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const pid = await new Promise<number>((resolve) =>
      parent.stdout.once('data', (text) => resolve(Number(text))),
    );
    process.kill(pid, 0);
    parent.kill('SIGKILL');
    await expect
      .poll(
        () => {
          try {
            process.kill(pid, 0);
            return 'alive';
          } catch {
            return 'gone';
          }
        },
        { timeout: 60_000 },
      )
      .toBe('gone');
  });
});
