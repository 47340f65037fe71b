import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLogger } from './log.ts';
import { createNotifier } from './notify.ts';

let folder: string;
let command: string;
const lines: string[] = [];
const log = createLogger({
  name: 'test',
  level: 'info',
  format: 'json',
  destination: { write: (line) => lines.push(line) },
});

/** Stands for systemd-notify: writes down the socket and what it was told, slowly enough that calls could overtake one another. */
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'blindsight-notify-'));
  command = join(folder, 'notify');
  lines.length = 0;
  await writeFile(command, '#!/bin/sh\nsleep 0.02\necho "$NOTIFY_SOCKET: $*" >> "$0.log"\n');
  await chmod(command, 0o755);
});
afterEach(() => rm(folder, { recursive: true }));

const told = async () => (await readFile(`${command}.log`, 'utf8').catch(() => '')).trimEnd();
const environment = (more: Record<string, string> = {}) => ({
  PATH: process.env.PATH,
  NOTIFY_SOCKET: '@run/s',
  ...more,
});

describe('createNotifier', () => {
  it('tells systemd in order, one field an argument, status on one line', async () => {
    const notifier = createNotifier({ log, command, environment: environment() });
    void notifier.ready('link up');
    void notifier.status('2 cameras\nREADY=1');
    void notifier.watchdog();
    await notifier.stopping('bye');
    expect(await told()).toBe(
      [
        '@run/s: READY=1 STATUS=link up',
        '@run/s: STATUS=2 cameras READY=1',
        '@run/s: WATCHDOG=1',
        '@run/s: STOPPING=1 STATUS=bye',
      ].join('\n'),
    );
  });

  it('runs one watchdog call at a time however fast progress is', async () => {
    const notifier = createNotifier({ log, command, environment: environment() });
    await Promise.all(Array.from({ length: 50 }, () => notifier.watchdog()));
    expect(await told()).toBe('@run/s: WATCHDOG=1');
    await notifier.watchdog();
    expect((await told()).split('\n')).toHaveLength(2);
  });

  it('does nothing without a socket', async () => {
    const notifier = createNotifier({ log, command, environment: { WATCHDOG_USEC: '1000000' } });
    await notifier.ready('x');
    expect(await told()).toBe('');
    expect(notifier.watchdogMs).toBeNull();
  });

  it('reads how often it is watched, unless another process is meant', () => {
    const watched = (more: Record<string, string>) =>
      createNotifier({ log, command, environment: environment(more) }).watchdogMs;
    expect(watched({ WATCHDOG_USEC: '30000000', WATCHDOG_PID: String(process.pid) })).toBe(30_000);
    expect(watched({ WATCHDOG_USEC: '30000000' })).toBe(30_000);
    expect(watched({ WATCHDOG_USEC: '30000000', WATCHDOG_PID: '1' })).toBeNull();
    expect(watched({ WATCHDOG_USEC: 'often' })).toBeNull();
  });

  it('warns once when it cannot tell, and goes on', async () => {
    const notifier = createNotifier({ log, command: join(folder, 'missing'), environment: environment() });
    await notifier.ready('x');
    await notifier.watchdog();
    expect(lines.filter((line) => line.includes('cannot notify systemd'))).toHaveLength(1);
  });
});
