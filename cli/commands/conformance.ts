import type { Command } from 'commander';
import { EXIT } from '#runtime/exit.ts';
import { printJson, printTable } from '../print.ts';
import { runCommand } from '../run-command.ts';

/** `blindsight conformance DIR`: how well the ONNX reader handles the test cases of the ONNX project. */
export function registerConformance(program: Command): void {
  program
    .command('conformance')
    .description('run the backend test cases of the ONNX project without encryption')
    .argument('<dir>', 'folder of cases; a case is a folder with model.onnx and test_data_set_*')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
A refused case has a stated reason and is not a failure. The exit code is 1 if a case failed.

Example:
  blindsight conformance onnx/backend/test/data/node`,
    )
    .action((folder: string, { json }: { json?: boolean }) =>
      runCommand(async () => {
        const { runConformance } = await import('#network/model/run/conformance.ts');
        const report = await runConformance(folder);
        if (report.failed > 0) process.exitCode = EXIT.failed;
        if (json) return printJson(report);
        const rows = report.cases
          .filter(({ status }) => status !== 'passed')
          .map(({ name, status, reason }) => [name, status, reason]);
        if (rows.length > 0) printTable(['CASE', 'RESULT', 'REASON'], rows);
        process.stdout.write(`${report.passed} passed, ${report.refused} refused, ${report.failed} failed\n`);
      }),
    );
}
