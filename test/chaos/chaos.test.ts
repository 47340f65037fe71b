import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type ChaosOptions, runChaos } from './chaos.ts';
import { formatChaos } from './print-chaos.ts';
import { recordChaos } from './record-chaos.ts';

const quick = (more: Partial<ChaosOptions>): ChaosOptions => ({
  ...{ seed: 1, seconds: 10, gateways: 2, rate: 5, store: 'sqlite', everyMs: 800 },
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

it.each([
  ['lose', { lost: [expect.stringMatching(/^g-1 \d+\/\d+ \(\d+\)$/)], twice: [] }],
  ['double', { lost: [], twice: [expect.stringMatching(/^g-1\/[0-9a-f]{64} at /)] }],
] as const)(
  'finds what is there to be found: a gateway that was made to %s one answer',
  async (sabotage, found) => {
    const report = await runChaos(quick({ sabotage, seconds: 3, kinds: ['link-cut'], everyMs: 3_000 }));
    try {
      expect(report, formatChaos(report)).toMatchObject({ ...found, isWell: false });
      expect(formatChaos(report)).toContain('npm run chaos -- --seed 1 ');
      // Whoever looks for the reason finds logs and ledgers.
      expect(readFileSync(join(report.folder!, 'logs', 'backend.log'), 'utf8')).not.toBe('');
      expect(readFileSync(join(report.folder!, 'g-1', 'ledger'), 'utf8')).toMatch(/^kept /m);
    } finally {
      if (report.folder !== null) await removeWorld(report.folder);
    }
  },
);

/** With the disks that are mounted in it. */
async function removeWorld(folder: string): Promise<void> {
  for (const line of readFileSync('/proc/mounts', 'utf8').split('\n').reverse()) {
    const place = line.split(' ')[1];
    if (place?.startsWith(`${folder}/`)) execFileSync('umount', ['-l', place]);
  }
  await rm(folder, { recursive: true });
}
