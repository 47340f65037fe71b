import type { Command } from 'commander';
import { COMMAND_EXIT_CODES, COMMAND_WAIT_OPTION, orderGateway, printAnswer } from '../follow-command.ts';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

/** `blindsight gateway restart NAME`. */
export function registerGatewayRestart(gateway: Command): void {
  gateway
    .command('restart')
    .description('restart the program of a gateway, and wait until it is back')
    .argument('<gateway>')
    .option(...COMMAND_WAIT_OPTION)
    .option(...SITE_OPTION)
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
The program ends in peace, and whatever started it (systemd, the container) starts it again. Waiting answers stay on its disk.
${COMMAND_EXIT_CODES}

Example:
  blindsight gateway restart gate-1`,
    )
    .action((name: string, { data, wait, json }: { data: string; wait: number; json?: boolean }) =>
      runCommand(async (run) => {
        const { withSite } = await import('#backend/site-folder.ts');
        await withSite(data, async (site) => {
          const answer = await orderGateway(site, { gateway: name, type: 'restart', waitSeconds: wait }, run);
          if (answer !== null) await printAnswer(answer, json === true);
        });
      }, 'stopped; the command stays given until it expires'),
    );
}
