import { runBench } from '#bench/main.ts';
import { formatReport } from '#bench/print.ts';
import { lookAround, recordReport } from '#bench/record.ts';
import { printJson } from '../print.ts';
import { Progress } from '../progress.ts';

/** `blindsight bench`: progress on stderr, the report on stdout, and in a file where one is named. */
export async function bench({
  json = false,
  quick = false,
  record,
}: {
  json?: boolean;
  quick?: boolean;
  record?: string;
}): Promise<void> {
  const circumstances = await lookAround();
  const progress = new Progress();
  const report = await runBench({
    quick,
    onProgress: (text, share) => progress.update('bench', text, share),
  });
  progress.end();
  if (record !== undefined) await recordReport(record, report, circumstances);
  if (json) printJson(report);
  else process.stdout.write(`${formatReport(report)}\n`);
}
