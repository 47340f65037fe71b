import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { seededDelays } from '#runtime/testing/seeded-delays.ts';
import { temporaryDirectory } from '../testing/temporary-directory.ts';

/** Each takes a third of a second of CPU, and every run draws other moments; `npm run test:long` has 200. */
const KILLS = Number(process.env.BLINDSIGHT_KILLS ?? 16);

describe('a pushed configuration', () => {
  it(`is old or new after kill -9 at any of ${KILLS} moments, and never neither`, {
    timeout: 300_000 + KILLS * 1_500,
  }, async () => {
    const delays = seededDelays(KILLS, 60);
    // Two lives each: a third would give the version up, by design.
    const lane = async () => {
      for (let folders = 0; folders < KILLS / 8; folders++) {
        const data = await temporaryDirectory();
        const first = await liveAndDie(data, delays.pop()!);
        const second = await liveAndDie(data, delays.pop()!);
        const last = first.at(-1)!;
        // One more may have been adopted than there was time to say.
        expect([last, last + 1]).toContain(second[0]);
      }
    };
    await Promise.all([lane(), lane(), lane(), lane()]);
  });
});

/**
 * Lets a gateway take configurations until it is killed in the middle of one.
 *
 * @param delay 10 for each version that it takes before, and as many milliseconds after that
 * @returns the versions that it said run, in their order.
 */
async function liveAndDie(data: string, delay: number): Promise<number[]> {
  const script = fileURLToPath(new URL('../testing/configuration-writer.ts', import.meta.url));
  const child = spawn(process.execPath, [script, data], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [lines, delayMs] = [1 + Math.floor(delay / 10), delay % 10];
  let told = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    told += text;
    if (told.split('\n').length > lines) setTimeout(() => child.kill('SIGKILL'), delayMs);
  });
  await once(child, 'close');
  const said = told
    .split('\n')
    .slice(0, -1)
    .map((line) => line.split(' ').map(Number));
  // What the file says, or the settings of exactly the version that runs.
  for (const [running, healthSeconds] of said)
    expect(healthSeconds, JSON.stringify({ lines, delayMs })).toBe(running === 0 ? 30 : running);
  return said.map(([running]) => running!);
}
