import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { COUNTER_CLIP } from '#demo/simulated-camera.ts';
import { lowerSteps } from '#network/compiler/lowering/lower-steps.ts';
import { runSteps } from '#network/compiler/lowering/run-steps.ts';
import { loadZooNetwork } from '#network/model/description/zoo.ts';
import { readBoxes } from '#network/training/boxes/read-boxes.ts';
import { Background } from './background.ts';
import { decodeMap } from './decode-map.ts';
import { pictureInput } from './picture-input.ts';

const CARPARK = join(import.meta.dirname, '..', 'demo', 'carpark');

/** What `carpark-map` takes. */
const FORMAT = { channels: 2, height: 36, width: 64, light: 'normalize', motion: { seconds: 10 } } as const;
const PIXELS = FORMAT.height * FORMAT.width;

/** As it is, a little within the picture, so that a camera can turn. */
const STILL = 'crop=64:36:4:2';
/** The light times a power of two, from a time on in seconds. */
const light = (stops: number, from: number) =>
  `${STILL},format=rgb24,format=gbrpf32le,exposure=exposure=${stops}:enable='gte(t,${from})',format=rgb24`;
/** The exposure goes up within four seconds. */
const rising = (from: number) =>
  `${STILL},eq=contrast='1+0.4*clip((t-${from})/4,0,1)':brightness='0.1*clip((t-${from})/4,0,1)':eval=frame`;
const turned = (from: number) => `crop=64:36:'if(gte(t,${from}),8,4)':'if(gte(t,${from}),4,2)'`;
/** Something dark lies on the lens, in which the sensor still has noise. */
const covered = (from: number, to: number) => {
  const then = `enable='between(t,${from},${to})'`;
  return `${STILL},drawbox=color=0x101010:t=fill:${then},noise=alls=4:allf=t:${then}`;
};

/** What a clip would have shown, scene by scene. */
type Scenes<Name extends string> = {
  readonly everyMs: number;
  readonly frames: Readonly<Record<Name, readonly Uint8Array[]>>;
};

/** Decodes the first seconds of a clip once, every n-th frame of it, as what a network of this size sees in each scene. */
async function decode<Name extends string>(
  clip: string,
  { rate, every, seconds }: { readonly rate: number; readonly every: number; readonly seconds: number },
  filters: Readonly<Record<Name, string>>,
): Promise<Scenes<Name>> {
  const names = Object.keys(filters) as Name[];
  const graph = [
    `select='not(mod(n,${every}))',scale=72:40:flags=area,split=${names.length}${names.map((name) => `[${name}]`).join('')}`,
    ...names.map((name) => `[${name}]${filters[name]},format=gray[shown-${name}]`),
    `${names.map((name) => `[shown-${name}]`).join('')}vstack=inputs=${names.length}`,
  ].join(';');
  const options = ['-filter_complex', graph, '-fps_mode', 'passthrough', '-f', 'rawvideo', '-'];
  const child = spawn('ffmpeg', ['-v', 'error', '-nostdin', '-t', String(seconds), '-i', clip, ...options], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(child, 'close');
  const chunks: Uint8Array[] = [];
  for await (const chunk of child.stdout as AsyncIterable<Uint8Array>) chunks.push(chunk);
  expect((await closed)[0], 'ffmpeg').toBe(0);
  const bytes = Buffer.concat(chunks);
  const count = bytes.length / PIXELS / names.length;
  const framesOf = (_: Name, scene: number) =>
    Array.from({ length: count }, (_, i) => {
      const at = (i * names.length + scene) * PIXELS;
      return bytes.subarray(at, at + PIXELS);
    });
  const frames = Object.fromEntries(names.map((name, scene) => [name, framesOf(name, scene)]));
  return { everyMs: (1000 * every) / rate, frames: frames as unknown as Record<Name, Uint8Array[]> };
}

/** The motion in each frame. */
function watch(frames: readonly Uint8Array[], everyMs: number): Uint8Array[] {
  const background = new Background(FORMAT.width, FORMAT.motion.seconds);
  return frames.map((frame, i) => background.update(frame, i * everyMs));
}

const mean = (bytes: Uint8Array) => bytes.reduce((sum, byte) => sum + byte, 0) / bytes.length;

const COUNTER_CHANGES = {
  none: STILL,
  brighter: light(0.5, 4),
  half: light(-1, 4),
  rising: rising(0.1),
  turned: turned(4),
  covered: covered(3, 3.9),
};
/** With somebody in it from the thirty-first frame on. */
let counter: Scenes<keyof typeof COUNTER_CHANGES>;

beforeAll(async () => {
  counter = await decode(COUNTER_CLIP, { rate: 10, every: 2, seconds: 8.2 }, COUNTER_CHANGES);
});

describe('a counter whose scene changes', () => {
  /** Nobody is there until the first of these times, and somebody at the second. */
  const [EMPTY_MS, SOMEBODY_MS] = [5_800, 7_800];
  const CHANGE_MS = 4_000;
  /** Mean of each frame. */
  let motion: Record<keyof typeof COUNTER_CHANGES, number[]>;
  const at = (ms: number) => Math.round(ms / counter.everyMs);

  beforeAll(() => {
    motion = Object.fromEntries(
      Object.entries(counter.frames).map(([name, frames]) => [
        name,
        watch(frames, counter.everyMs).map(mean),
      ]),
    ) as typeof motion;
  });

  it.each(Object.keys(COUNTER_CHANGES) as (keyof typeof COUNTER_CHANGES)[])(
    'sees who comes then: %s',
    (scene) => {
      expect(motion[scene][at(SOMEBODY_MS)]! - motion[scene][at(EMPTY_MS)]!).toBeGreaterThan(4);
    },
  );

  it.each(['turned', 'covered'] as const)('begins again when the camera was %s', (scene) => {
    expect(motion[scene][at(CHANGE_MS)]).toBe(0);
    for (let i = at(CHANGE_MS); i < at(EMPTY_MS); i++) expect(motion[scene][i], `${i}`).toBeLessThan(2);
  });

  it.each(['brighter', 'half', 'rising'] as const)('takes a change of light for little: %s', (scene) => {
    for (let i = 0; i < at(EMPTY_MS); i++)
      expect(motion[scene][i]! - motion.none[i]!, `at ${i * counter.everyMs} ms`).toBeLessThan(4);
  });
});

describe('a car park whose scene changes', () => {
  const EVERY = 3;
  /** Between the passage of the first car, and that of two. */
  const CHANGE_MS = 10_000;
  const changes = {
    none: STILL,
    brighter: light(1, 10),
    dusk: light(-2, 10),
    rising: rising(9),
    turned: turned(10),
    covered: covered(10, 12),
    hidden: covered(16, 17),
  };
  let scenes: Scenes<keyof typeof changes>;
  const at = (ms: number) => Math.round(ms / scenes.everyMs);
  /** Cars, by frame. */
  let cars: readonly number[];
  /** Cars that the network finds. */
  let count: (frame: Uint8Array, motion: Uint8Array) => number;

  /** Where the network miscounts, except while a car comes or goes: it is seen a little later or earlier. */
  function miscounts(frames: readonly Uint8Array[], motions: readonly Uint8Array[], first = 0): string[] {
    return frames.flatMap((frame, i) => {
      const there = cars[first + i];
      const found = count(frame, motions[i]!);
      const around = cars.slice(Math.max(0, first + i - 3), first + i + 4);
      if (found === there || around.some((other) => other !== there)) return [];
      return [`${found} for ${there} at ${(first + i) * scenes.everyMs} ms`];
    });
  }

  beforeAll(async () => {
    scenes = await decode(join(CARPARK, 'carpark.mp4'), { rate: 12.5, every: EVERY, seconds: 31 }, changes);
    const { graph, metadata } = await loadZooNetwork('carpark-map');
    const network = lowerSteps(graph);
    const decoding = { ...metadata.map!, ...metadata.decoding!, classes: 1 };
    count = (frame, motion) => {
      const input = pictureInput(Buffer.concat([frame, motion]), FORMAT);
      return decodeMap(runSteps(network, input), decoding).points.length;
    };
    const { boxes } = await readBoxes(join(CARPARK, 'boxes.csv'));
    cars = scenes.frames.none.map((_, i) => boxes.filter(({ frame }) => frame === i * EVERY).length);
  });

  it.each(['none', 'brighter', 'dusk', 'rising', 'turned', 'covered'] as const)(
    'counts cars after that, and none that is not there: %s',
    (scene) => {
      const motion = watch(scenes.frames[scene], scenes.everyMs);
      const first = at(CHANGE_MS);
      const wrong = miscounts(scenes.frames[scene].slice(first), motion.slice(first), first);
      expect(wrong.length, wrong.join()).toBeLessThan(2);
      // It is as quiet as it was before the change when the cars have been gone for less than the time constant.
      const before = mean(motion[at(CHANGE_MS) - 1]!);
      expect(mean(motion[at(24_000)]!)).toBeLessThan(before + 1);
    },
  );

  it('counts on when the lens was covered while cars passed', () => {
    const first = at(14_000);
    const motion = watch(scenes.frames.hidden, scenes.everyMs).slice(first);
    const wrong = miscounts(scenes.frames.hidden.slice(first), motion, first);
    // Four pictures show nothing.
    expect(wrong.every((text) => text.startsWith('0 for 2'))).toBe(true);
    expect(wrong.length).toBe(4);
  });

  it('counts on when it was restarted while cars passed', () => {
    const first = at(16_800);
    const frames = scenes.frames.none.slice(first);
    const motion = watch(frames, scenes.everyMs);
    expect(cars[first]).toBe(2);
    expect(mean(motion[0]!)).toBe(0);
    expect(miscounts(frames, motion, first)).toEqual([]);
  });

  it('begins anew where another scene is cut in, and where this one is again', () => {
    const frames = scenes.frames.none;
    const other = counter.frames.none.slice(0, 40);
    const motion = watch([...other, ...frames, ...other], scenes.everyMs);
    expect(motion.slice(other.length, other.length + frames.length)).toEqual(watch(frames, scenes.everyMs));
    expect(mean(motion[other.length + frames.length]!)).toBe(0);
  });
});
