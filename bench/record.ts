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
  /** Load average of the machine over one minute when the measurement began: well below 1, or something else ran. */
  readonly loadBefore: number;
  /** Whether the sources were those of `commit`; null where git does not say. */
  readonly clean: boolean | null;
};

/** Looked at before the measurement, which itself is a load. */
export type Circumstances = Pick<BenchRecord, 'recordedAt' | 'loadBefore' | 'clean'>;

export async function lookAround(): Promise<Circumstances> {
  return { recordedAt: new Date().toISOString(), loadBefore: loadavg()[0]!, clean: await isClean() };
}

/** Writes a report to a file, as JSON for people to read; its folder is made. */
export async function recordReport(
  file: string,
  report: BenchReport,
  circumstances: Circumstances,
): Promise<void> {
  const { machine, commit, operations, frames } = report;
  const record: BenchRecord = { ...circumstances, machine, commit, operations, frames };
  await mkdir(dirname(file), { recursive: true });
  await writeFileAtomic(file, Buffer.from(`${JSON.stringify(record, null, 2)}\n`));
}

/** Of what is measured: the folders that the engine and the benchmark are made of. */
async function isClean(): Promise<boolean | null> {
  try {
    const { stdout } = await promisify(execFile)(
      'git',
      ['status', '--porcelain', '--', '.', '../fhe', '../network'],
      {
        cwd: import.meta.dirname,
      },
    );
    return stdout.trim() === '';
  } catch {
    return null;
  }
}
