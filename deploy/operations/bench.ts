import { runBench } from '../../bench/main.ts';
import { formatReport } from '../../bench/print.ts';
import { printJson } from '../print.ts';

/** `blindsight bench`: progress on stderr, the report on stdout. */
export async function bench({
  json = false,
  quick = false,
}: {
  json?: boolean;
  quick?: boolean;
}): Promise<void> {
  const report = await runBench({ json, quick });
  if (json) printJson(report);
  else process.stdout.write(`${formatReport(report)}\n`);
}
