import { describe, expect, it, onTestFinished } from 'vitest';
import { AgentConfig } from '#config/schema.ts';
import type { RunResult } from '#fhe';
import { createLogger } from '#runtime/log.ts';
import { SimulatedClock } from '#runtime/simulated-clock.ts';
import type { Frame } from '../camera/frame.ts';
import { until } from '../testing/until.ts';
import type { InterpreterHost } from './interpreter-host.ts';
import { type Answer, type FrameSource, Pipeline } from './pipeline.ts';

/** A camera that shows what it is told: a picture of one grey. */
class ToldCamera implements FrameSource {
  readonly config;
  newest: number | null = null;
  broken = false;

  constructor(name: string, regions: readonly string[] = []) {
    const whole = { x: 0, y: 0, width: 1, height: 1 };
    const camera = { name, url: 'rtsp://host/path', rate: 60 };
    const named =
      regions.length > 0 ? { regions: regions.map((region) => ({ name: region, ...whole })) } : {};
    this.config = AgentConfig.shape.cameras.parse([{ ...camera, ...named }])[0]!;
  }

  get name(): string {
    return this.config.name;
  }

  get hasFrame(): boolean {
    return this.newest !== null;
  }

  take(): Frame | null {
    const grey = this.newest;
    this.newest = null;
    if (grey === null) return null;
    // One byte: no picture of this size.
    const data = new Uint8Array(this.broken ? 1 : 8 * 8 * 3).fill(grey);
    return { width: 8, height: 8, data, timeMs: grey, number: grey };
  }

  markInference(): void {}
}

type Run = { readonly greys: number[]; readonly done: PromiseWithResolvers<RunResult> };

const SIZE = 16;

/** A network for some pictures at once on an interpreter with one lane, whose runs end when the test says so. */
function bench(cameras: readonly ToldCamera[], { regions = 4, shares = true } = {}) {
  const clock = new SimulatedClock();
  const runs: Run[] = [];
  const answers: Answer[] = [];
  const host = {
    ...{ bundle: { digest: 'ab'.repeat(32) }, regions, lanes: 1 },
    picture: { channels: 1, height: 4, width: 4 },
  } as unknown as InterpreterHost;
  const stop = new AbortController();
  const state = { shares };
  const pipeline = new Pipeline({
    ...{ site: 'town', gateway: 'gate-1', cameras, clock },
    sharesCiphertexts: () => state.shares,
    runner: {
      host,
      run: (_, bytes) => {
        const done = Promise.withResolvers<RunResult>();
        const greys = Array.from({ length: bytes.length / SIZE }, (_, i) => bytes[i * SIZE]!);
        runs.push({ greys, done });
        return done.promise;
      },
    },
    log: createLogger({ name: 'test', level: 'error', format: 'json', destination: { write: () => {} } }),
    onAnswer: async (answer) => answers.push(answer) > 0,
  });
  const running = pipeline.run(stop.signal);
  onTestFinished(async () => {
    stop.abort();
    for (const { done } of runs) done.reject(new Error('the test is over'));
    await running;
  });
  /** Shows pictures, when the cameras may be looked at again. */
  const show = async (greys: Readonly<Record<string, number>>) => {
    for (const camera of cameras) if (greys[camera.name] !== undefined) camera.newest = greys[camera.name]!;
    await clock.advance(20);
    pipeline.wake();
  };
  const end = async (index: number) => {
    await until(`run ${index}`, () => runs.length > index);
    runs[index]!.done.resolve({ ciphertext: new Uint8Array(1), timings: { encryptMs: 1, evaluateMs: 2 } });
    await until(`the end of run ${index}`, () => answers.length > index);
  };
  /** Gives each camera a ciphertext to itself, as every ten seconds: from then on they share. */
  const begin = async () => {
    for (const [i, camera] of cameras.entries()) {
      await show({ [camera.name]: 1 });
      await end(i);
    }
    runs.length = 0;
    answers.length = 0;
  };
  return { pipeline, clock, runs, answers, state, show, end, begin };
}

const about = (answer: Answer | undefined) =>
  answer && [answer, ...(answer.others ?? [])].map(({ camera, frameTimeMs }) => [camera, frameTimeMs]);

describe('a network for four pictures and several cameras', () => {
  it('takes those that are there together, and copies for the room that is left', async () => {
    const { answers, runs, begin, show, end } = bench([...'abc'].map((name) => new ToldCamera(name)));
    await begin();
    await show({ a: 10, b: 20, c: 30 });
    await end(0);
    expect(runs[0]!.greys).toEqual([10, 20, 30, 10]);
    expect(about(answers[0])).toEqual([
      ['a', 10],
      ['b', 20],
      ['c', 30],
    ]);
    // One of them is dead: nobody waits for it.
    await show({ a: 11, c: 31 });
    await end(1);
    // c has the turn.
    expect(runs[1]!.greys).toEqual([31, 11, 31, 11]);
    await show({ b: 22 });
    await end(2);
    expect(about(answers[2])).toEqual([['b', 22]]);
    expect(answers[2]).not.toHaveProperty('others');
  });

  it('lets pictures join that come while they wait for the interpreter, always the newest', async () => {
    const { answers, runs, begin, show, end } = bench([...'abc'].map((name) => new ToldCamera(name)));
    await begin();
    await show({ a: 10 });
    await until('a run', () => runs.length === 1);
    await show({ b: 20 });
    await show({ c: 30, a: 11 });
    await end(0);
    await end(1);
    expect(about(answers[1])).toEqual([
      ['b', 20],
      ['c', 30],
      ['a', 11],
    ]);
  });

  it('keeps turns where not all find room', async () => {
    const names = [...'abc'];
    const { answers, begin, show, end } = bench(
      names.map((name) => new ToldCamera(name)),
      { regions: 2 },
    );
    await begin();
    for (let i = 0; i < 6; i++) {
      await show({ a: 10 + i, b: 20 + i, c: 30 + i });
      await end(i);
    }
    const counts = names.map(
      (name) => answers.filter((answer) => about(answer)!.some(([one]) => one === name)).length,
    );
    // On a machine that is slow enough a picture misses its turn; without turns the third camera would have none.
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(2);
    expect(counts.reduce((sum, count) => sum + count)).toBeGreaterThanOrEqual(11);
  });

  it('keeps the regions of a camera together, and more of them than there is room for to itself', async () => {
    const cameras = [
      new ToldCamera('a', ['left', 'right']),
      new ToldCamera('b'),
      new ToldCamera('c', ['1', '2', '3', '4', '5', '6']),
    ];
    const { answers, runs, show, end, clock } = bench(cameras);
    // Each to itself first.
    await show({ a: 1 });
    await end(0);
    await show({ b: 1 });
    await end(1);
    await show({ c: 1 });
    await end(2);
    await end(3);
    await clock.advance(20);
    await show({ a: 10, b: 20, c: 30 });
    for (let i = 4; i < 7; i++) await end(i);
    expect(runs.slice(4).map(({ greys }) => greys)).toEqual([
      [10, 10, 20, 10],
      [30, 30, 30, 30],
      [30, 30, 30, 30],
    ]);
    expect(answers[4]).toMatchObject({ camera: 'a', regions: ['left', 'right'], others: [{ camera: 'b' }] });
    expect(answers[5]).toMatchObject({ camera: 'c', regions: ['1', '2', '3', '4'] });
    expect(answers[6]).toMatchObject({ camera: 'c', regions: ['5', '6'] });
  });

  it('gives each camera a ciphertext to itself every ten seconds', async () => {
    const { answers, clock, begin, show, end } = bench([...'ab'].map((name) => new ToldCamera(name)));
    await begin();
    await show({ a: 10, b: 20 });
    await end(0);
    await clock.advance(10_000);
    await show({ a: 11, b: 21 });
    await end(1);
    await end(2);
    await show({ a: 12, b: 22 });
    await end(3);
    const names = answers.map((answer) => about(answer)!.map(([name]) => name));
    expect(names.map(({ length }) => length)).toEqual([2, 1, 1, 2]);
    expect(names[1]).not.toEqual(names[2]);
  });

  it('lets cameras share three quarters of the time where a run takes long', async () => {
    const cameras = [...'ab'].map((name) => new ToldCamera(name));
    const { answers, clock, show, end } = bench(cameras);
    for (let i = 0; i < 16; i++) {
      await show({ a: 10 + i, b: 30 + i });
      await clock.advance(6_000);
      await end(i);
    }
    const shared = answers.filter(({ others }) => others !== undefined).length;
    expect(shared).toBeGreaterThanOrEqual(9);
    expect(shared).toBeLessThanOrEqual(13);
  });

  it('takes one at a time where the backend knows no other envelopes', async () => {
    const { answers, state, begin, show, end } = bench([...'ab'].map((name) => new ToldCamera(name)));
    await begin();
    state.shares = false;
    await show({ a: 10, b: 20 });
    await end(0);
    await end(1);
    expect(answers.map(about)).toEqual([[['a', 10]], [['b', 20]]]);
  });

  it('loses a picture that cannot be prepared, and not the others with it', async () => {
    const cameras = [...'ab'].map((name) => new ToldCamera(name));
    const { pipeline, answers, begin, show, end } = bench(cameras);
    await begin();
    cameras[1]!.broken = true;
    await show({ a: 10, b: 20 });
    await end(0);
    expect(about(answers[0])).toEqual([['a', 10]]);
    expect(pipeline.counts.failures).toBe(1);
  });
});
