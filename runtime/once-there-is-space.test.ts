import { describe, expect, it } from 'vitest';
import { BlindsightError } from '#protocol/errors.ts';
import { createLogger } from './log.ts';
import type { Notifier } from './notify.ts';
import { onceThereIsSpace } from './once-there-is-space.ts';
import { SimulatedClock } from './simulated-clock.ts';

function parts() {
  const lines: string[] = [];
  const destination = { write: (line: string) => lines.push(line) };
  const log = createLogger({ name: 'test', level: 'info', format: 'json', destination });
  const said: string[] = [];
  const notifier: Notifier = {
    watchdogMs: null,
    ready: async (status) => void said.push(status),
    status: async () => {},
    watchdog: async () => void said.push('watchdog'),
    stopping: async () => {},
  };
  const stop = new AbortController();
  const clock = new SimulatedClock(0);
  return { lines, said, clock, stop, options: { log, notifier, clock, signal: stop.signal } };
}

const full = (attempt: number) =>
  attempt % 2 === 0
    ? new BlindsightError('DISK_FULL', 'the disk is full: /data takes no file')
    : Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });

describe('onceThereIsSpace', () => {
  it('tries again while the disk is full, says so once, and lives for systemd meanwhile', async () => {
    const { lines, said, clock, options } = parts();
    let attempts = 0;
    const started = onceThereIsSpace(() => {
      if (attempts++ < 4) throw full(attempts - 1);
      return 'started';
    }, options);
    for (let i = 0; i < 4; i++) await clock.advance(5_000);
    expect(await started).toBe('started');
    expect(said).toEqual([
      'waiting for space: the disk is full: /data takes no file',
      ...Array.from({ length: 4 }, () => 'watchdog'),
    ]);
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      {
        level: 'error',
        code: 'DISK_FULL',
        msg: 'the disk is full: /data takes no file; starting once there is space',
      },
      { level: 'info', code: 'DISK_FULL', msg: 'there is space on the disk again; starting' },
    ]);
  });

  it('passes on every other error at once, and says nothing', async () => {
    const { lines, options } = parts();
    const cause = new BlindsightError('DATA_IN_USE', 'process 7 runs as agent');
    await expect(onceThereIsSpace(() => Promise.reject(cause), options)).rejects.toBe(cause);
    expect(lines).toEqual([]);
  });

  it('ends with the signal', async () => {
    const { stop, options } = parts();
    const started = onceThereIsSpace(() => Promise.reject(full(0)), options);
    stop.abort();
    expect(await started).toBeNull();
  });
});
