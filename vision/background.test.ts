import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { COUNTER_CLIP } from '#demo/simulated-camera.ts';
import { readFrames } from '#network/training/datasets/clip.ts';
import { Background } from './background.ts';
import { prepareBytes } from './prepare-picture.ts';

const WIDTH = 96;
const HEIGHT = 54;
/** Of the clip. */
const FRAME_MS = 100;
const SECONDS = 4;
/** Nobody is there before the first of these frames, and somebody in the second. */
const [EMPTY, SOMEBODY] = [60, 75];

/** The clip's first frames, grey. */
const frames: Uint8Array<ArrayBuffer>[] = [];

beforeAll(async () => {
  for await (const { frame, size } of readFrames(COUNTER_CLIP)) {
    const shape = { channels: 1, height: HEIGHT, width: WIDTH };
    frames.push(await prepareBytes({ data: frame, ...size }, shape));
    if (frames.length > SOMEBODY) break;
  }
});

const mean = (values: ArrayLike<number>) =>
  Array.from(values).reduce((sum, one) => sum + one, 0) / values.length;

/** A background that knows the scene from its first frames, and when its next picture is due. */
function known(count = EMPTY): { background: Background; timeMs: number } {
  const background = new Background(WIDTH, SECONDS);
  for (let i = 0; i < count; i++) background.update(frames[i]!, i * FRAME_MS);
  return { background, timeMs: count * FRAME_MS };
}

/** The same scene after the camera has turned. */
function turned(frame: Uint8Array, across: number, down: number): Uint8Array {
  return Uint8Array.from(frame, (_, i) => {
    const x = Math.min(WIDTH - 1, (i % WIDTH) + across);
    return frame[Math.min(HEIGHT - 1, Math.floor(i / WIDTH) + down) * WIDTH + x]!;
  });
}

/** The scene with a light square of 12 × 12 pixels in it, and where that is. */
const SQUARE = Array.from({ length: 144 }, (_, i) => (20 + Math.floor(i / 12)) * WIDTH + 40 + (i % 12));
function withSquare(frame: Uint8Array): Uint8Array {
  const shown = frame.slice();
  for (const at of SQUARE) shown[at] = 250;
  return shown;
}
const inSquare = (motion: Uint8Array) => mean(SQUARE.map((at) => motion[at]!));

describe('Background', () => {
  it('sees somebody come, and next to nothing before', () => {
    const { background, timeMs } = known();
    expect(mean(background.update(frames[EMPTY - 1]!, timeMs))).toBeLessThan(1);
    const come = background.update(frames[SOMEBODY]!, timeMs + FRAME_MS);
    expect(mean(come)).toBeGreaterThan(8);
    expect(Math.max(...come)).toBeGreaterThan(80);
  });

  it('starts without motion, also after a restart in the middle of something', () => {
    for (const first of [0, SOMEBODY]) {
      const motion = new Background(WIDTH, SECONDS).update(frames[first]!, 1e12);
      expect(motion.every((byte) => byte === 0)).toBe(true);
    }
  });

  it.each([40, 100, 1000])('forgets what stays by its time constant, at a picture each %d ms', (everyMs) => {
    const { background, timeMs } = known();
    const shown = withSquare(frames[EMPTY - 1]!);
    const before = inSquare(background.update(shown, timeMs));
    let motion = new Uint8Array();
    for (let passed = everyMs; passed <= 1000 * SECONDS; passed += everyMs)
      motion = background.update(shown, timeMs + passed);
    // One picture more has been learned at the longest interval than at the shortest.
    expect(inSquare(motion) / before).toBeGreaterThan(Math.exp(-1) * 0.95);
    expect(inSquare(motion) / before).toBeLessThan(Math.exp(-1) * 1.4);
  });

  it('takes a change of light for none, at once and slowly', () => {
    const { background, timeMs } = known();
    const light = (change: number) => Uint8ClampedArray.from(frames[EMPTY - 1]!, (byte) => byte + change);
    const lit = new Uint8Array(light(25));
    expect(mean(background.update(lit, timeMs))).toBeLessThan(2);
    for (let i = 1; i <= 40; i++) {
      const dimmed = new Uint8Array(light(25 - i));
      expect(mean(background.update(dimmed, timeMs + i * FRAME_MS))).toBeLessThan(2);
    }
    // And what comes in that light is seen.
    const motion = background.update(withSquare(new Uint8Array(light(-15))), timeMs + 5000);
    expect(inSquare(motion)).toBeGreaterThan(60);
    expect(mean(motion)).toBeLessThan(inSquare(motion) / 10);
  });

  it('starts again when the camera has moved, was covered or shows another scene, and sees again what comes then', () => {
    const scene = frames[EMPTY - 1]!;
    const noise = Uint8Array.from(scene, (_, i) => Math.imul(i + 1, 2_654_435_761) >>> 24);
    for (const other of [turned(scene, 3, 3), turned(scene, 20, 0), new Uint8Array(scene.length), noise]) {
      const { background, timeMs } = known();
      expect(mean(background.update(other, timeMs))).toBe(0);
      const motion = background.update(withSquare(other), timeMs + FRAME_MS);
      expect(inSquare(motion)).toBeGreaterThan(60);
      expect(mean(motion)).toBeLessThan(inSquare(motion) / 10);
      // Turned back, it is another scene again.
      expect(mean(background.update(scene, timeMs + 2 * FRAME_MS))).toBe(0);
    }
  });

  it('keeps its scene behind what fills half of the picture, and in the noise of the dark', () => {
    const { background, timeMs } = known();
    const half = Uint8Array.from(frames[EMPTY - 1]!, (byte, i) => (i % WIDTH < WIDTH / 2 - 4 ? 10 : byte));
    expect(mean(background.update(half, timeMs))).toBeGreaterThan(20);
    const dark = new Background(WIDTH, SECONDS);
    const night = (seed: number) =>
      Uint8Array.from(half, (_, i) => 8 + (Math.imul(i + 1 + seed * 7919, 2_654_435_761) >>> 30));
    for (let i = 0; i < 20; i++) dark.update(night(i), i * FRAME_MS);
    expect(inSquare(dark.update(withSquare(night(20)), 20 * FRAME_MS))).toBeGreaterThan(200);
  });

  it('forgets after an absence, and stands still while the clock is set back', () => {
    const late = known();
    late.background.update(withSquare(frames[EMPTY - 1]!), late.timeMs + 3_600_000);
    const gone = late.background.update(frames[EMPTY - 1]!, late.timeMs + 3_600_000 + FRAME_MS);
    expect(inSquare(gone)).toBeGreaterThan(60);

    const back = known();
    back.background.update(withSquare(frames[EMPTY - 1]!), 0);
    expect(inSquare(back.background.update(frames[EMPTY - 1]!, FRAME_MS))).toBeLessThan(2);
  });

  it('computes the same bytes on every machine', () => {
    const { background } = known(1);
    const hash = createHash('sha256');
    const drawn = (i: number) =>
      Uint8Array.from(
        { length: WIDTH * HEIGHT },
        (_, at) => (at % 200) + (Math.imul(at + 1 + i * 977, 2_654_435_761) >>> 27),
      );
    for (let i = 0; i < 20; i++) hash.update(background.update(drawn(i), i * 73));
    expect(hash.digest('hex')).toBe('d68a1fff34eec12f26f7d2e55509fe6d03bfa115ba9532e68adb4d82db3642bd');
  });
});
