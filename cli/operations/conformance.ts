import { runConformance } from '#network/model/conformance.ts';
import { EXIT } from '#runtime/exit.ts';
import { printJson, printTable } from '../print.ts';

/** `blindsight conformance DIR`: what did not pass, and why, then the counts. */
export async function conformance(folder: string, options: { json?: boolean }): Promise<void> {
  const report = await runConformance(folder);
  if (options.json) printJson(report);
  else {
    const rows = report.cases
      .filter(({ status }) => status !== 'passed')
      .map(({ name, status, reason }) => [name, status, reason]);
    if (rows.length > 0) printTable(['CASE', 'RESULT', 'REASON'], rows);
    process.stdout.write(`${report.passed} passed, ${report.refused} refused, ${report.failed} failed\n`);
  }
  if (report.failed > 0) process.exitCode = EXIT.failed;
}
