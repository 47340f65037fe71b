import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type ChaosOptions, runChaos } from './chaos.ts';
import { formatChaos } from './print-chaos.ts';
import { recordChaos } from './record-chaos.ts';

/** Those that a site gets over within seconds; the others, and long runs, are for `npm run chaos`. */
const QUICK_KINDS = [
  ...['kill', 'kill-again', 'terminate', 'power-cut', 'pause', 'link-cut', 'link-torn', 'link-slow'],
  ...['disk-full', 'disk-nearly-full', 'clock-ahead', 'clock-behind', 'delivered-thrice'],
  ...['delivered-shuffled', 'delivered-again', 'outbox-damaged', 'outbox-littered', 'session-lost'],
  ...['retained-torn', 'database-locked'],
];

const quick = (more: Partial<ChaosOptions>): ChaosOptions => ({
  ...{ seed: 1, seconds: 5, gateways: 2, rate: 5, store: 'sqlite', broker: 'aedes', everyMs: 350 },
  kinds: QUICK_KINDS,
  signal: new AbortController().signal,
  onProgress: () => {},
  ...more,
});

it('loses nothing and stores nothing twice, whatever happens for a while; the run can be recorded', async () => {
  const seed = Number(process.env.BLINDSIGHT_CHAOS_SEED ?? Date.now() % 2 ** 32);
  const report = await runChaos(quick({ seed }));
  expect(report, formatChaos(report)).toMatchObject({ lost: [], twice: [], wrong: [], isWell: true, seed });
  expect(report.stored).toBeGreaterThan(0);
  // Whatever makes the answers unlike one another leaves them readable.
  expect(report.withheld).toEqual({});
  expect(Object.keys(report.moments).length).toBeGreaterThan(1);
  const file = join(mkdtempSync(join(tmpdir(), 'blindsight-record-')), 'record.json');
  await recordChaos(file, report);
  await recordChaos(file, report);
  const record = JSON.parse(readFileSync(file, 'utf8'));
  expect(record).toMatchObject({ lost: 0, twice: 0, runs: [{ seed }, { seed }] });
  await rm(join(file, '..'), { recursive: true });
});

it('finds an answer that a gateway was made to lose, and one that another was made to send under two numbers', async () => {
  const report = await runChaos(
    quick({ isSabotaged: true, seconds: 2, kinds: ['link-cut'], everyMs: 2_000, seed: 1 }),
  );
  try {
    expect(report, formatChaos(report)).toMatchObject({
      lost: [expect.stringMatching(/^g-1 \d+\/\d+ \(\d+\)$/)],
      twice: [expect.stringMatching(/^g-2\/[0-9a-f]{64} at /)],
      // It killed itself, for which there is no fault.
      wrong: [expect.stringMatching(/^no fault explains that it ended: g-1 \(SIGKILL\)/)],
      isWell: false,
    });
    expect(formatChaos(report)).toContain('npm run chaos -- --seed 1 ');
    // Whoever looks for the reason finds logs and ledgers.
    expect(readFileSync(join(report.folder!, 'logs', 'backend.log'), 'utf8')).not.toBe('');
    expect(readFileSync(join(report.folder!, 'g-1', 'ledger'), 'utf8')).toMatch(/^kept /m);
  } finally {
    if (report.folder !== null) await removeWorld(report.folder);
  }
});

it('leaves nothing behind where it is told to stop before it has begun', async () => {
  const before = process.env.TMPDIR;
  const folder = mkdtempSync(join(tmpdir(), 'blindsight-stopped-'));
  process.env.TMPDIR = folder;
  try {
    const stop = new AbortController();
    const run = runChaos(
      quick({ signal: stop.signal, onProgress: () => stop.abort(new Error('enough of that')) }),
    );
    await expect(run).rejects.toThrow('enough of that');
    expect(readdirSync(folder)).toEqual([]);
  } finally {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
    await rm(folder, { recursive: true });
  }
});

/** With the disks that are mounted in it. */
async function removeWorld(folder: string): Promise<void> {
  for (const line of readFileSync('/proc/mounts', 'utf8').split('\n').reverse()) {
    const place = line.split(' ')[1];
    if (place?.startsWith(`${folder}/`)) execFileSync('umount', ['-l', place]);
  }
  await rm(folder, { recursive: true });
}
