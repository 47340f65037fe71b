import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { step } from '#setup/progress.mjs';
import { Progress } from './progress.ts';

/** What stands in for stderr, and when each piece was written. */
function stream(isTTY: boolean) {
  const written: { text: string; atMs: number }[] = [];
  return {
    ...{ isTTY, columns: 60, written },
    write: (text: string) => written.push({ text, atMs: Date.now() }),
    text: () => written.map(({ text }) => text).join(''),
  };
}

const sleep = (ms: number) => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function closest(lines: readonly { atMs: number }[]): number {
  return Math.min(...lines.slice(1).map(({ atMs }, i) => atMs - lines[i]!.atMs));
}

describe('Progress', () => {
  it('writes at most a line every ten seconds without a terminal, the newest, with the time left', async () => {
    const log = stream(false);
    const progress = new Progress(log, Date.now);
    for (let done = 0; done < 300; done++) {
      progress.update('counting', `${done} of 300`, done / 300);
      await sleep(333);
    }
    progress.end();
    expect(closest(log.written)).toBeGreaterThanOrEqual(10_000);
    expect(log.written.length).toBe(10);
    expect(log.written[0]!.text).toBe('… 0 of 300\n');
    expect(log.written[3]!.text).toMatch(/^… (89|90) of 300; about 70 s left\n$/);
    expect(log.text()).not.toContain('\r');
  });

  it('shows a stage that says nothing for long, ten seconds after the line before it', async () => {
    const log = stream(false);
    const progress = new Progress(log, Date.now);
    progress.update('a', 'reading');
    progress.update('b', 'measuring');
    progress.update('c', 'encrypting');
    await sleep(60_000);
    expect(log.text()).toBe('… reading\n… encrypting\n');
    expect(log.written[1]!.atMs - log.written[0]!.atMs).toBe(10_000);
  });

  it('writes nothing after its end', async () => {
    const log = stream(false);
    const progress = new Progress(log, Date.now);
    progress.update('a', 'one');
    progress.update('a', 'two');
    progress.end();
    await sleep(60_000);
    expect(log.text()).toBe('… one\n');
  });

  it('measures the time left from the first word of the stage, in units a person would choose', async () => {
    const log = stream(false);
    const progress = new Progress(log, Date.now);
    progress.update('slow', 'first', 0);
    await sleep(60_000);
    progress.update('slow', 'second', 0.1);
    await sleep(3_540_000);
    progress.update('slow', 'third', 0.2);
    progress.end();
    expect(log.text()).toBe('… first\n… second; about 9 min left\n… third; about 4 h 0 min left\n');
  });

  it('draws one line a stage on a terminal, never wider than it', async () => {
    const terminal = stream(true);
    const progress = new Progress(terminal, Date.now);
    for (let done = 0; done <= 20; done++) {
      progress.update('a', `${done} of 20`, done / 20);
      await sleep(50);
    }
    progress.update('b', 'x'.repeat(100));
    progress.end();
    const lines = terminal.text().split('\n');
    expect(lines.length).toBe(3);
    expect(lines[0]!.split('\r').at(-1)).toBe('… 20 of 20\x1b[K');
    expect(lines[0]!.split('\r').length).toBeLessThan(15);
    expect(lines[1]).toBe(`\r… ${'x'.repeat(56)}…\x1b[K`);
    expect(lines[2]).toBe('');
  });
});

describe('step', () => {
  async function run(isTTY: boolean, ...seconds: readonly number[]) {
    const to = stream(isTTY);
    const all = (async () => {
      for (const [i, length] of seconds.entries())
        await step(`step ${i}`, () => new Promise((resolve) => setTimeout(resolve, 1000 * length)), to);
    })();
    await sleep(1000 * seconds.reduce((sum, length) => sum + length, 1));
    await all;
    return to;
  }

  it('tells a terminal after a second, and the time at its end', async () => {
    expect((await run(true, 0.5, 3)).text()).toBe('… step 1\n✓ step 1: 3.0 s\n');
    expect((await run(true, 20)).text()).toBe('… step 0\n… step 0: 16.0 s so far\n✓ step 0: 20.0 s\n');
  });

  it('writes at most a line every ten seconds to a log', async () => {
    const log = await run(false, 3, 12, 25, 5, 65);
    expect(log.text()).toBe(
      '… step 1\n… step 2\n✓ step 2: 25.0 s\n… step 4\n… step 4: 40.0 s so far\n✓ step 4: 65.0 s\n',
    );
    expect(closest(log.written)).toBeGreaterThanOrEqual(10_000);
  });
});
