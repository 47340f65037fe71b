import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { writeFileAtomic } from '#runtime/files.ts';
import type { BenchReport } from './report.ts';

/** A report as it is kept in bench/results: what was measured, when, and whether the numbers can be trusted. */
export type BenchRecord = BenchReport & {
  /** ISO 8601. */
  readonly recordedAt: string;
  /** Load average of the machine over one minute when the measurement began: well below 1, unless something else ran. */
  readonly loadBefore: number;
  /** Whether the sources were those of `commit`; null if git cannot tell. */
  readonly clean: boolean | null;
};

/** Read before the measurement, which itself is a load. */
export type Circumstances = Pick<BenchRecord, 'recordedAt' | 'loadBefore' | 'clean'>;

/** The folders of the engine and the benchmark. */
const ENGINE = ['.', '../fhe', '../network'];

/** What a whole site runs. */
export const SITE_FOLDERS = ['.', '../fhe', '../agent', '../broker', '../backend', '../runtime', '../vision'];

/** @param measured folders, relative to this one */
export async function lookAround(measured: readonly string[] = ENGINE): Promise<Circumstances> {
  return { recordedAt: new Date().toISOString(), loadBefore: loadavg()[0]!, clean: await isClean(measured) };
}

/** Writes a report to a file, as readable JSON; creates its folder. */
export async function recordReport(
  file: string,
  report: BenchReport,
  circumstances: Circumstances,
): Promise<void> {
  const { machine, commit, operations, frames } = report;
  await recordMeasurement(file, { machine, commit, operations, frames }, circumstances);
}

/** Writes whatever was measured to a file, like {@link recordReport}. */
export async function recordMeasurement(
  file: string,
  measured: object,
  circumstances: Circumstances,
): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFileAtomic(file, Buffer.from(jsonOf(measured, circumstances)));
}

/** Prints whatever was measured as JSON, under what circumstances too, and writes it to a file where one is named. */
export async function tellMeasurement(
  measured: object,
  circumstances: Circumstances,
  file: string | undefined,
): Promise<void> {
  process.stdout.write(jsonOf(measured, circumstances));
  if (file !== undefined) await recordMeasurement(file, measured, circumstances);
}

function jsonOf(measured: object, circumstances: Circumstances): string {
  return `${JSON.stringify({ ...circumstances, ...measured }, null, 2)}\n`;
}

async function isClean(measured: readonly string[]): Promise<boolean | null> {
  try {
    const { stdout } = await promisify(execFile)('git', ['status', '--porcelain', '--', ...measured], {
      cwd: import.meta.dirname,
    });
    return stdout.trim() === '';
  } catch {
    return null;
  }
}
