import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type BenchRecord, lookAround, recordReport } from './record.ts';
import type { BenchReport } from './report.ts';

const report: BenchReport = {
  machine: '2 × a processor',
  commit: 'abc',
  operations: [
    {
      name: 'rotate',
      ringDegree: 8192,
      limbs: 6,
      threads: 1,
      engineMs: 1,
      engineSpreadMs: 0.1,
      nodeSealMs: 10,
      nodeSealSpreadMs: 1,
      ratio: 10,
    },
  ],
  frames: [],
};

describe('a recorded benchmark', () => {
  const folder = mkdtempSync(join(tmpdir(), 'blindsight-bench-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('holds the report, and under what circumstances it was measured', async () => {
    const file = join(folder, 'results', 'today.json');
    const circumstances = await lookAround();
    await recordReport(file, report, circumstances);
    const record = JSON.parse(readFileSync(file, 'utf8')) as BenchRecord;
    expect(record).toEqual({ ...report, ...circumstances });
    expect(Math.abs(Date.now() - Date.parse(record.recordedAt))).toBeLessThan(60_000);
    expect(record.loadBefore).toBeGreaterThanOrEqual(0);
    expect([true, false, null]).toContain(record.clean);
  });
});
