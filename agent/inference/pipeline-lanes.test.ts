import { describe, expect, it, onTestFinished } from 'vitest';
import { AgentConfig } from '#config/schema.ts';
import type { RunResult } from '#fhe';
import { createLogger } from '#runtime/log.ts';
import { SimulatedClock } from '#runtime/simulated-clock.ts';
import type { Frame } from '../camera/frame.ts';
import { until } from '../testing/until.ts';
import type { InterpreterHost } from './interpreter-host.ts';
import { type Answer, type FrameSource, Pipeline } from './pipeline.ts';

/** A camera that shows what it is told, of a grey that is the number of the picture. */
class ToldCamera implements FrameSource {
  readonly name = 'door';
  readonly config = AgentConfig.shape.cameras.parse([
    { name: 'door', url: 'rtsp://host/path', rate: 60 },
  ])[0]!;
  readonly taken: number[] = [];
  newest: number | null = null;

  get hasFrame(): boolean {
    return this.newest !== null;
  }

  take(): Frame | null {
    const number = this.newest;
    this.newest = null;
    if (number === null) return null;
    this.taken.push(number);
    return { width: 8, height: 8, data: new Uint8Array(8 * 8 * 3).fill(number), timeMs: number, number };
  }

  markInference(): void {}
}

type Run = {
  readonly picture: number;
  readonly host: InterpreterHost;
  readonly done: PromiseWithResolvers<RunResult>;
};

const hostOf = (digest: string) =>
  ({
    ...{ bundle: { digest }, regions: 1, lanes: 2 },
    picture: { channels: 1, height: 4, width: 4 },
  }) as unknown as InterpreterHost;

/** A pipeline whose runs end when the test says so, on an interpreter with two lanes. */
function bench() {
  const camera = new ToldCamera();
  const clock = new SimulatedClock();
  const runs: Run[] = [];
  const answers: Answer[] = [];
  const state = { host: hostOf('one'), storing: Promise.resolve() };
  const stop = new AbortController();
  const pipeline = new Pipeline({
    ...{ site: 'town', gateway: 'gate-1', cameras: [camera], clock },
    runner: {
      get host() {
        return state.host;
      },
      run: (host, bytes) => {
        const done = Promise.withResolvers<RunResult>();
        if (host !== state.host) return Promise.reject(new Error('the interpreter was closed'));
        runs.push({ picture: bytes[0]!, host, done });
        return done.promise;
      },
    },
    log: createLogger({ name: 'test', level: 'error', format: 'json', destination: { write: () => {} } }),
    onAnswer: async (answer) => {
      await state.storing;
      return answers.push(answer) > 0;
    },
  });
  const running = pipeline.run(stop.signal);
  onTestFinished(async () => {
    stop.abort();
    for (const { done } of runs) done.reject(new Error('the test is over'));
    await running;
  });
  /** Shows a picture, when the camera may be looked at again. */
  const show = async (number: number) => {
    camera.newest = number;
    await clock.advance(20);
    pipeline.wake();
  };
  const showUntilTaken = async (number: number) => {
    await show(number);
    await until(`picture ${number}`, () => camera.taken.includes(number));
  };
  const answer = (picture: number) =>
    runs
      .find((run) => run.picture === picture)!
      .done.resolve({ ciphertext: Uint8Array.of(picture), timings: { encryptMs: 1, evaluateMs: 2 } });
  const fail = (picture: number) =>
    runs.find((run) => run.picture === picture)!.done.reject(new Error('no answer'));
  /** Two pictures under way and one behind them. */
  const fill = async () => {
    for (const number of [1, 2, 3]) await showUntilTaken(number);
    await until('two runs', () => runs.length === 2);
  };
  const begun = () => runs.map(({ picture }) => picture);
  const stored = () => answers.map(({ ciphertext }) => ciphertext[0]);
  return {
    ...{ pipeline, camera, state, runs, running, stop },
    ...{ show, showUntilTaken, answer, fail, fill, begun, stored },
  };
}

describe('a pipeline on two lanes', () => {
  it('stores answers in the order of pictures, whichever comes first', async () => {
    const { answer, fill, stored } = bench();
    await fill();
    answer(2);
    answer(1);
    await until('answers', () => stored().length === 2);
    expect(stored()).toEqual([1, 2]);
  });

  it('begins the next picture while an answer is stored', async () => {
    const { state, answer, fill, stored, begun } = bench();
    const disk = Promise.withResolvers<void>();
    state.storing = disk.promise;
    await fill();
    answer(1);
    await until('the third run', () => begun().includes(3));
    expect(stored()).toEqual([]);
    disk.resolve();
    await until('the answer', () => stored().length === 1);
  });

  it('lets four answers wait for the disk, and computes no further ones until it takes them', async () => {
    const { state, answer, showUntilTaken, fill, stored, begun } = bench();
    const disk = Promise.withResolvers<void>();
    state.storing = disk.promise;
    await fill();
    for (const number of [1, 2, 3, 4]) {
      answer(number);
      await until('the next run', () => begun().includes(number + 2));
      await showUntilTaken(number + 3);
    }
    for (const number of [5, 6]) answer(number);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(begun()).toEqual([1, 2, 3, 4, 5, 6]);
    disk.resolve();
    await until('the run that had to wait', () => begun().includes(7));
    await until('all answers', () => stored().length === 6);
    expect(stored()).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('takes the newest picture when there is room, and lets those before it go', async () => {
    const { camera, show, answer, fill, begun } = bench();
    await fill();
    for (const number of [4, 5, 6]) await show(number);
    expect(camera.taken).toEqual([1, 2, 3]);
    answer(1);
    await until('the next picture', () => camera.taken.length === 4);
    answer(2);
    await until('its run', () => begun().length === 4);
    expect(begun()).toEqual([1, 2, 3, 6]);
  });

  it.each([
    [1, 2],
    [2, 1],
  ])('loses picture %i alone where it fails beside another', async (failing, other) => {
    const { pipeline, showUntilTaken, answer, fail, fill, begun, stored } = bench();
    await fill();
    fail(failing);
    await until('the failure', () => pipeline.counts.failures === 1);
    answer(other);
    await until('the third run', () => begun().includes(3));
    answer(3);
    await until('answers', () => pipeline.counts.answers === 2);
    expect(stored()).toEqual([other, 3]);
    await showUntilTaken(4);
    await until('a run after it', () => begun().includes(4));
  });

  it('goes on with the interpreter that takes over, and counts what was under way', async () => {
    const { pipeline, state, showUntilTaken, answer, fail, fill, runs, stored } = bench();
    await fill();
    state.host = hostOf('two');
    fail(1);
    fail(2);
    await until('what was prepared for the other', () => pipeline.counts.failures === 3);
    await showUntilTaken(4);
    await until('its run', () => runs.length === 3);
    expect(runs[2]).toMatchObject({ picture: 4, host: state.host });
    answer(4);
    await until('an answer', () => stored().length === 1);
    expect(pipeline.counts).toEqual({ answers: 1, failures: 3 });
  });

  it('ends when all that was begun is stored, and begins nothing more', async () => {
    const { stop, running, answer, fill, begun, stored } = bench();
    await fill();
    stop.abort();
    answer(2);
    answer(1);
    await running;
    expect(stored()).toEqual([1, 2]);
    expect(begun()).toEqual([1, 2]);
  });
});
