import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { AgentConfig, type CameraConfig } from '#config/schema.ts';
import { systemClock } from '#runtime/clock.ts';
import { createLogger } from '#runtime/log.ts';
import type { Frame } from '../camera/frame.ts';
import { until } from '../testing/until.ts';
import type { InterpreterHost } from './interpreter-host.ts';
import { type Answer, type FrameSource, Pipeline } from './pipeline.ts';

type FakeOptions = { grey?: number } & Partial<Pick<CameraConfig, 'masks' | 'regions'>>;

/** A camera that always has a new picture, as soon as the last one was taken, of one grey value. */
class FakeCamera implements FrameSource {
  readonly config: CameraConfig;
  hasFrame = true;
  taken = 0;
  inferences = 0;
  readonly #grey: number;

  constructor(name: string, rate: number, { grey = 100, ...more }: FakeOptions = {}) {
    const camera = { name, url: 'rtsp://host/path', rate, ...more };
    this.config = AgentConfig.shape.cameras.parse([camera])[0]!;
    this.#grey = grey;
  }

  get name(): string {
    return this.config.name;
  }

  take(): Frame | null {
    if (!this.hasFrame) return null;
    // With regions the right half is twice as bright.
    const right = this.config.regions === undefined ? 1 : 2;
    const data = Uint8Array.from({ length: 16 * 16 * 3 }, (_, i) =>
      Math.floor(i / 3) % 16 < 8 ? this.#grey : right * this.#grey,
    );
    return { width: 16, height: 16, data, timeMs: 5, number: ++this.taken };
  }

  markInference(): void {
    this.inferences++;
  }
}

/** An interpreter that needs a few milliseconds and remembers what it saw. */
function bench(
  cameras: FakeCamera[],
  {
    regions = 1,
    lanes = 1,
    run = () => delay(5),
  }: { regions?: number; lanes?: number; run?: () => Promise<unknown> } = {},
) {
  const seen: number[] = [];
  const inputs: number[][] = [];
  const answers: Answer[] = [];
  const bundle = { digest: 'ab'.repeat(32) };
  const state = {
    fail: false,
    host: { bundle, picture: { channels: 1, height: 4, width: 4 }, regions, lanes } as InterpreterHost | null,
  };
  const stop = new AbortController();
  const pipeline = new Pipeline({
    ...{ site: 'town', gateway: 'gate-1' },
    cameras,
    runner: {
      get host() {
        return state.host;
      },
      run: async (_, bytes) => {
        seen.push(bytes[0]!);
        inputs.push([...bytes]);
        await run();
        if (state.fail) throw new Error('no answer');
        return { ciphertext: new Uint8Array(1), timings: { encryptMs: 1, evaluateMs: 2 } };
      },
    },
    clock: systemClock,
    log: createLogger({ name: 'test', level: 'error', format: 'json', destination: { write: () => {} } }),
    onAnswer: async (answer) => answers.push(answer) > 0,
  });
  const running = pipeline.run(stop.signal);
  const end = async () => {
    stop.abort();
    await running;
  };
  return { pipeline, seen, inputs, answers, state, end };
}

describe('Pipeline', () => {
  it('takes cameras in turn', async () => {
    const cameras = ['a', 'b', 'c'].map((name) => new FakeCamera(name, 60));
    const { answers, end } = bench(cameras, { run: () => delay(30) });
    await until('answers', () => answers.length >= 9);
    await end();
    expect(answers.slice(0, 9).map((answer) => answer.camera)).toEqual([...'abcabcabc']);
    expect(answers[0]).toMatchObject({ frameTimeMs: 5, timings: { encryptMs: 1, evaluateMs: 2 } });
  });

  it('keeps each camera to its rate, within five parts of a hundred', async () => {
    const [slow, fast] = [new FakeCamera('slow', 5), new FakeCamera('fast', 20)];
    const begunMs = performance.now();
    const { answers, end } = bench([slow, fast]);
    const count = (name: string) => answers.filter((answer) => answer.camera === name).length;
    await until('answers', () => count('fast') >= 15 && count('slow') >= 2);
    await end();
    const seconds = (performance.now() - begunMs) / 1000;
    // The first comes at once.
    expect(count('slow')).toBeLessThanOrEqual(2 + 1.06 * 5 * seconds);
    expect(count('fast')).toBeLessThanOrEqual(2 + 1.06 * 20 * seconds);
    expect(fast.inferences).toBe(count('fast'));
  });

  it('blackens masks before the interpreter sees anything', async () => {
    const whole: [number, number][] = [
      [0, 0],
      [1, 0],
      [1, 1],
      [0, 1],
    ];
    const { seen, answers, end } = bench([
      new FakeCamera('open', 60),
      new FakeCamera('masked', 60, { grey: 200, masks: [whole] }),
    ]);
    await until('answers', () => answers.length >= 4);
    await end();
    expect(seen.slice(0, 4)).toEqual([100, 0, 100, 0]);
  });

  it('encrypts named regions together, as many as the network takes, and repeats them where there are fewer', async () => {
    const half = { y: 0, height: 1, width: 0.5 };
    const regions = [
      { name: 'left', x: 0, ...half },
      { name: 'right', x: 0.5, ...half },
      { name: 'also-left', x: 0, ...half },
    ];
    const camera = new FakeCamera('a', 60, { grey: 50, regions });
    const whole = new FakeCamera('b', 60, { grey: 20 });
    const { pipeline, inputs, answers, end } = bench([camera, whole], { regions: 2 });
    await until('answers', () => answers.length >= 6);
    await end();
    expect(answers.slice(0, 3).map(({ camera: name, regions: names }) => [name, names])).toEqual([
      ['a', ['left', 'right']],
      ['a', ['also-left']],
      ['b', undefined],
    ]);
    const both = (first: number, second: number) => [
      ...new Array<number>(16).fill(first),
      ...new Array<number>(16).fill(second),
    ];
    expect(inputs.slice(0, 3)).toEqual([both(50, 100), both(50, 50), both(20, 20)]);
    // Two ciphertexts, one picture.
    expect(answers[0]!.frameTimeMs).toBe(answers[1]!.frameTimeMs);
    expect(camera.taken - camera.inferences).toBeOneOf([0, 1]);
    // One picture may have been prepared when it ended.
    expect(camera.taken + whole.taken - pipeline.counts.answers).toBeOneOf([0, 1]);
  });

  it('prepares the next picture while one is computed, and no more than that', async () => {
    const camera = new FakeCamera('a', 60);
    const first = Promise.withResolvers<void>();
    const { state, seen, end } = bench([camera], { run: () => first.promise });
    await until('the first run', () => seen.length === 1);
    await until('the next picture', () => camera.taken === 2);
    await delay(50);
    expect([seen.length, camera.taken]).toEqual([1, 2]);
    first.resolve();
    await until('the second run', () => seen.length >= 2);
    state.host = null;
    await end();
    // One for each run, and one ahead.
    expect(camera.taken).toBeLessThanOrEqual(seen.length + 1);
  });

  it('counts a picture that got no answer, and goes on', async () => {
    const { pipeline, state, answers, end } = bench([new FakeCamera('a', 60)]);
    state.fail = true;
    await until('failures', () => pipeline.counts.failures >= 2);
    state.fail = false;
    await until('an answer', () => answers.length > 0);
    await end();
    expect(pipeline.counts.answers).toBeGreaterThanOrEqual(1);
  });

  it('is not called stuck while its network is read from disk', async () => {
    const run = Promise.withResolvers<void>();
    const { pipeline, state, end } = bench([new FakeCamera('a', 60)], { run: () => run.promise });
    const host = state.host as unknown as { bytesRead: number };
    await until('work', () => pipeline.stuckMs > 40);
    host.bytesRead = 1_000;
    expect(pipeline.stuckMs).toBe(0);
    await until('a disk that stands still', () => pipeline.stuckMs > 40);
    run.resolve();
    await end();
  });

  it('rests without a program or a picture, and is not called stuck for that', async () => {
    const camera = new FakeCamera('a', 60);
    const { pipeline, state, answers, end } = bench([camera]);
    const before = state.host;
    state.host = null;
    await until('rest', () => pipeline.stuckMs === 0);
    const count = answers.length;
    await delay(100);
    expect(pipeline.stuckMs).toBeLessThan(1);
    expect(answers.length - count).toBeLessThanOrEqual(1);
    state.host = before;
    await delay(60);
    expect(pipeline.stuckMs).toBeGreaterThan(40); // There is work, but nobody woke the pipeline.
    pipeline.wake();
    await until('an answer', () => answers.length > count);
    await end();
  });
});
