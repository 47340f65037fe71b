import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { AgentConfig, type CameraConfig } from '#config/schema.ts';
import { systemClock } from '#runtime/clock.ts';
import { createLogger } from '#runtime/log.ts';
import type { Frame } from '../camera/frame.ts';
import { until } from '../testing/until.ts';
import type { InterpreterHost } from './interpreter-host.ts';
import { type Answer, type FrameSource, Pipeline } from './pipeline.ts';

/** A camera that always has a new picture, as soon as the last one was taken, of one grey value. */
class FakeCamera implements FrameSource {
  readonly config: CameraConfig;
  hasFrame = true;
  taken = 0;
  inferences = 0;
  readonly #grey: number;

  constructor(name: string, rate: number, grey = 100, masks: CameraConfig['masks'] = []) {
    this.config = AgentConfig.shape.cameras.parse([{ name, url: 'rtsp://host/path', rate, masks }])[0]!;
    this.#grey = grey;
  }

  get name(): string {
    return this.config.name;
  }

  take(): Frame | null {
    if (!this.hasFrame) return null;
    const data = new Uint8Array(16 * 16 * 3).fill(this.#grey);
    return { width: 16, height: 16, data, timeMs: 5, number: ++this.taken };
  }

  markInference(): void {
    this.inferences++;
  }
}

/** An interpreter that needs a few milliseconds and remembers what it saw. */
function bench(cameras: FakeCamera[], runMs = 5) {
  const seen: number[] = [];
  const answers: Answer[] = [];
  const state = {
    fail: false,
    host: { picture: { channels: 1, height: 4, width: 4 } } as InterpreterHost | null,
  };
  const stop = new AbortController();
  const pipeline = new Pipeline({
    cameras,
    runner: {
      get host() {
        return state.host;
      },
      run: async (_, values) => {
        seen.push(Math.round(values[0]! * 255));
        await delay(runMs);
        if (state.fail) throw new Error('no answer');
        return { ciphertext: new Uint8Array(1), timings: { encryptMs: 1, evaluateMs: 2 } };
      },
    },
    clock: systemClock,
    log: createLogger({ name: 'test', level: 'error', format: 'json', destination: { write: () => {} } }),
    onAnswer: async (answer) => void answers.push(answer),
  });
  const running = pipeline.run(stop.signal);
  const end = async () => {
    stop.abort();
    await running;
  };
  return { pipeline, seen, answers, state, end };
}

describe('Pipeline', () => {
  it('takes cameras in turn', async () => {
    const cameras = ['a', 'b', 'c'].map((name) => new FakeCamera(name, 60));
    const { answers, end } = bench(cameras, 30);
    await until('answers', () => answers.length >= 9);
    await end();
    expect(answers.slice(0, 9).map((answer) => answer.camera)).toEqual([...'abcabcabc']);
    expect(answers[0]).toMatchObject({ frameTimeMs: 5, timings: { encryptMs: 1, evaluateMs: 2 } });
  });

  it('keeps each camera to its rate, within five parts of a hundred', async () => {
    const [slow, fast] = [new FakeCamera('slow', 5), new FakeCamera('fast', 20)];
    const { answers, end } = bench([slow, fast]);
    await delay(1000);
    await end();
    const count = (name: string) => answers.filter((answer) => answer.camera === name).length;
    expect(count('slow')).toBeGreaterThan(0);
    expect(count('slow')).toBeLessThanOrEqual(7);
    expect(count('fast')).toBeGreaterThan(count('slow'));
    expect(count('fast')).toBeLessThanOrEqual(23);
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
      new FakeCamera('masked', 60, 200, [whole]),
    ]);
    await until('answers', () => answers.length >= 4);
    await end();
    expect(seen.slice(0, 4)).toEqual([100, 0, 100, 0]);
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

  it('rests without a program or a picture, and is not called stuck for that', async () => {
    const camera = new FakeCamera('a', 60);
    const { pipeline, state, answers, end } = bench([camera]);
    state.host = null;
    await until('rest', () => pipeline.stuckMs === 0);
    const before = answers.length;
    await delay(100);
    expect(pipeline.stuckMs).toBeLessThan(1);
    expect(answers.length - before).toBeLessThanOrEqual(1);
    state.host = { picture: { channels: 1, height: 4, width: 4 } } as InterpreterHost;
    await delay(60);
    expect(pipeline.stuckMs).toBeGreaterThan(40); // There is work, but nobody woke the pipeline.
    pipeline.wake();
    await until('an answer', () => answers.length > before);
    await end();
  });
});
