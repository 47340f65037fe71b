import type { Command } from 'commander';
import { printJson } from '../print.ts';
import { runCommand } from '../run-command.ts';

type Options = { readonly json?: boolean };

/** `blindsight attack`: what whoever holds a gateway can do who also reads published results, tried out here. */
export function registerAttack(program: Command): void {
  program
    .command('attack')
    .description('attack a site in memory the way a lying gateway would, without and with audits')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Takes a minute or two. Nothing but this process is attacked: no broker, no data folder, no network.

Examples:
  blindsight attack
  blindsight attack --json > attacks.json`,
    )
    .action(({ json = false }: Options) =>
      runCommand(async ({ progress, signal }) => {
        const { runAttacks } = await import('#attack/run-attacks.ts');
        const { formatReport } = await import('#attack/format-report.ts');
        const report = await runAttacks({
          onProgress: (text, share) => progress.update('attack', text, share),
          signal,
        });
        progress.end();
        if (json) printJson(report);
        else process.stdout.write(`${formatReport(report)}\n`);
      }),
    );
}
