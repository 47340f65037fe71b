import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, expect, it, vi } from 'vitest';
import { registerBench } from './bench.ts';

const { report } = vi.hoisted(() => ({ report: { machine: '2 × a processor', commit: 'abc', stored: 12 } }));
vi.mock('#bench/city/city.ts', () => ({ benchCity: async () => report }));

const folder = mkdtempSync(join(tmpdir(), 'blindsight-bench-city-'));
afterAll(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

it('records the report of a city with its date, and the load before it', async () => {
  vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  const program = new Command().enablePositionalOptions();
  registerBench(program);
  const file = join(folder, 'results', 'city.json');
  await program.parseAsync(['bench', 'city', '--json', '--record', file], { from: 'user' });
  const record = JSON.parse(readFileSync(file, 'utf8'));
  expect(record).toMatchObject(report);
  expect(Math.abs(Date.now() - Date.parse(record.recordedAt))).toBeLessThan(60_000);
  expect(record.loadBefore).toBeGreaterThanOrEqual(0);
  expect([true, false, null]).toContain(record.clean);
});
