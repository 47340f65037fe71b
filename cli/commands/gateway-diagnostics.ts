import type { Command } from 'commander';
import { COMMAND_EXIT_CODES, COMMAND_WAIT_OPTION, orderGateway, printAnswer } from '../follow-command.ts';
import { formatBytes } from '../print.ts';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

type Options = {
  readonly data: string;
  readonly wait: number;
  readonly out: string;
  readonly json?: boolean;
};

/** `blindsight gateway diagnostics NAME --out FILE`. */
export function registerGatewayDiagnostics(gateway: Command): void {
  gateway
    .command('diagnostics')
    .description('fetch an archive that tells a supporter how a gateway does')
    .argument('<gateway>')
    .requiredOption('--out <file>', 'where to write it, as .tar.gz; must not exist')
    .option(...COMMAND_WAIT_OPTION)
    .option(...SITE_OPTION)
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Versions, settings, states, health, times, the last errors and the log; a README.txt in it explains each file. No passwords, keys, pictures or answers.
${COMMAND_EXIT_CODES}

Example:
  blindsight gateway diagnostics gate-1 --out gate-1.tar.gz`,
    )
    .action((name: string, { data, wait, out, json }: Options) =>
      runCommand(async (run) => {
        const { refuseExisting } = await import('../refuse-existing.ts');
        const { withSite } = await import('#backend/site-folder.ts');
        await refuseExisting(out);
        await withSite(data, async (site) => {
          const answer = await orderGateway(
            site,
            { gateway: name, type: 'diagnostics', waitSeconds: wait },
            run,
          );
          if (answer === null) return;
          const { readContent } = await import('#backend/command/describe-commands.ts');
          const { writeFileAtomic } = await import('#runtime/files.ts');
          const { bytes } = await readContent(site, name, answer.id);
          await writeFileAtomic(out, bytes, { mode: 0o600 });
          if (json === true) await printAnswer(answer, true);
          else process.stdout.write(`${out}: ${formatBytes(bytes.length)}\n`);
        });
      }, 'stopped; the command stays given until it expires'),
    );
}
