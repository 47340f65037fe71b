import { describe, expect, it } from 'vitest';
import { createLogger } from '#runtime/log.ts';
import { SimulatedClock } from '#runtime/simulated-clock.ts';
import { runWatchdog } from './watchdog.ts';

describe('runWatchdog', () => {
  it('feeds while work moves, starves when it does not, and says what is new', async () => {
    const clock = new SimulatedClock();
    const said: string[] = [];
    const lines: string[] = [];
    let fed = 0;
    let stuckMs = 0;
    const notifier = {
      watchdogMs: 30_000,
      ready: async () => {},
      stopping: async () => {},
      status: async (text: string) => void said.push(text),
      watchdog: async () => void fed++,
    };
    const log = createLogger({
      name: 'test',
      level: 'error',
      format: 'json',
      destination: { write: (line) => lines.push(line) },
    });
    const stop = new AbortController();
    let status = 'one';
    const options = {
      notifier,
      clock,
      log,
      stuckMs: () => stuckMs,
      status: () => status,
      patienceMs: 60_000,
    };
    const running = runWatchdog(options, stop.signal);
    await clock.advance(25_000);
    expect([fed, said]).toEqual([3, ['one']]);
    stuckMs = 61_000;
    status = 'two';
    await clock.advance(20_000);
    expect([fed, said]).toEqual([3, ['one', 'two']]);
    expect(lines.join()).toContain('is stuck');
    stuckMs = 0;
    await clock.advance(10_000);
    expect(fed).toBe(4);
    stop.abort();
    await running;
  });
});
