import type { Command } from 'commander';
import { printJson } from '../print.ts';
import { runCommand } from '../run-command.ts';
import { registerBenchCity } from './bench-city.ts';
import { registerBenchClear } from './bench-clear.ts';

type Options = {
  readonly json?: boolean;
  readonly quick?: boolean;
  readonly audits?: boolean;
  readonly camera?: boolean;
  readonly record?: string;
};

/** `blindsight bench`: our kernel and Microsoft SEAL (node-seal) side by side on this machine. */
export function registerBench(program: Command): void {
  const bench = program
    .command('bench')
    .description('benchmark encrypted arithmetic here: our kernel next to node-seal, then complete pictures')
    .option('--json', 'print JSON')
    .option('--record <file>', 'also write the report, the date and the load of the machine to a JSON file')
    .option('--audits', 'what audits cost instead: the auditor, and a gateway that keeps openings')
    .option('--camera', 'a whole site instead: answers a second of one RTSP camera at 60 pictures a second')
    .option('--quick', 'only a few rounds; results are noisy')
    .addHelpText(
      'after',
      `
Takes a few minutes; run nothing else in the meantime.

Examples:
  blindsight bench
  blindsight bench --record bench/results/this-machine.json
  blindsight bench --audits
  blindsight bench --camera --json
  blindsight bench --quick --json > bench.json`,
    )
    .action(({ json = false, quick = false, audits = false, camera = false, record }: Options) =>
      runCommand(async ({ progress, signal }) => {
        if (camera) {
          const { benchCamera } = await import('#bench/camera.ts');
          const { formatCameraSpeed } = await import('#bench/print.ts');
          const { lookAround, recordMeasurement, SITE_FOLDERS } = await import('#bench/record.ts');
          const circumstances = await lookAround(SITE_FOLDERS);
          const onProgress = (text: string, share: number) => progress.update('bench', text, share);
          const speed = await benchCamera({ quick, onProgress, signal });
          progress.end();
          if (record !== undefined) await recordMeasurement(record, speed, circumstances);
          if (json) printJson(speed);
          else process.stdout.write(`${formatCameraSpeed(speed)}\n`);
          return;
        }
        if (audits) {
          const { benchAudits } = await import('#bench/audits.ts');
          const { formatAuditCosts } = await import('#bench/print.ts');
          const onProgress = (text: string, share: number) => progress.update('bench', text, share);
          const costs = await benchAudits({ quick, onProgress, signal });
          progress.end();
          if (json) printJson(costs);
          else process.stdout.write(`${formatAuditCosts(costs)}\n`);
          return;
        }
        const { runBench } = await import('#bench/main.ts');
        const { formatReport } = await import('#bench/print.ts');
        const { lookAround, recordReport } = await import('#bench/record.ts');
        const circumstances = await lookAround();
        const report = await runBench({
          quick,
          onProgress: (text, share) => progress.update('bench', text, share),
        });
        progress.end();
        if (record !== undefined) await recordReport(record, report, circumstances);
        if (json) printJson(report);
        else process.stdout.write(`${formatReport(report)}\n`);
      }),
    );
  registerBenchCity(bench);
  registerBenchClear(bench);
}
