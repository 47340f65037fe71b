import { describe, expect, it } from 'vitest';
import { systemClock } from './clock.ts';
import { SimulatedClock } from './simulated-clock.ts';

describe('systemClock', () => {
  it('sleeps for about the time asked', async () => {
    const before = systemClock.monotonic();
    await systemClock.sleep(30);
    expect(systemClock.monotonic() - before).toBeGreaterThanOrEqual(29);
  });

  it('stops sleeping when the signal aborts, even beyond the longest timer', async () => {
    const controller = new AbortController();
    const sleep = systemClock.sleep(2 ** 40, controller.signal);
    controller.abort();
    await expect(sleep).rejects.toMatchObject({ name: 'AbortError' });
  });
});

describe('SimulatedClock', () => {
  it('wakes in order of time and lets each chain continue', async () => {
    const clock = new SimulatedClock(0);
    const log: string[] = [];
    const loop = async (name: string, ms: number) => {
      for (;;) {
        await clock.sleep(ms);
        log.push(`${name}@${clock.now()}`);
      }
    };
    void loop('a', 20);
    void loop('b', 30);
    await clock.advance(65);
    expect(log).toEqual(['a@20', 'b@30', 'a@40', 'b@60', 'a@60']);
    expect(clock.monotonic()).toBe(65);
    expect(clock.sleeping).toBe(2);
  });

  it('rejects with the reason of the signal, before and during the sleep', async () => {
    const clock = new SimulatedClock();
    const controller = new AbortController();
    const sleep = clock.sleep(10, controller.signal);
    controller.abort(new Error('enough'));
    await expect(sleep).rejects.toThrow('enough');
    await expect(clock.sleep(10, controller.signal)).rejects.toThrow('enough');
    expect(clock.sleeping).toBe(0);
  });

  it('lets the wall clock jump without time passing', () => {
    const clock = new SimulatedClock(1000);
    clock.jump(5);
    expect([clock.now(), clock.monotonic()]).toEqual([5, 0]);
  });
});
