import { readFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { writeFileAtomic } from '#runtime/files.ts';
import type { ChaosReport } from './chaos-report.ts';

/** What a process said at its end names its files: where they lie is nobody's business. */
const ROOT = join(import.meta.dirname, '..', '..', '/');

type Recorded = Omit<ChaosReport, 'folder'> & { readonly recordedAt: string; readonly load: number };

/** All runs that were recorded, oldest first, and how often each kind of fault happened in them. */
export type ChaosRecord = {
  readonly moments: Readonly<Record<string, number>>;
  readonly minutes: number;
  readonly lost: number;
  readonly twice: number;
  readonly runs: readonly Recorded[];
};

/** Adds a run to a file. */
export async function recordChaos(file: string, { folder: _, ...report }: ChaosReport): Promise<void> {
  const text = await readFile(file, 'utf8').catch(() => '{"runs":[]}');
  const { runs: before } = JSON.parse(text) as Pick<ChaosRecord, 'runs'>;
  const runs = [...before, { recordedAt: new Date().toISOString(), load: loadavg()[0]!, ...report }];
  const moments: Record<string, number> = {};
  for (const run of runs)
    for (const [kind, count] of Object.entries(run.moments)) moments[kind] = (moments[kind] ?? 0) + count;
  const sum = (value: (run: Recorded) => number) => runs.reduce((all, run) => all + value(run), 0);
  const record: ChaosRecord = {
    moments: Object.fromEntries(
      Object.entries(moments).toSorted(([one], [other]) => one.localeCompare(other)),
    ),
    minutes: sum(({ seconds }) => seconds / 60),
    lost: sum(({ lost }) => lost.length),
    twice: sum(({ twice }) => twice.length),
    runs,
  };
  const written = JSON.stringify(record, null, 2)
    .replaceAll(pathToFileURL(ROOT).href, '')
    .replaceAll(ROOT, '');
  await writeFileAtomic(file, Buffer.from(`${written}\n`));
}
