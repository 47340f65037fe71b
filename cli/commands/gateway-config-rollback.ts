import type { Command } from 'commander';
import { followPush, tryPush, WAIT_OPTION } from '../follow-push.ts';
import { operatorName } from '../operator-name.ts';
import { integer } from '../parse-option.ts';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

type Options = {
  readonly data: string;
  readonly version: number;
  readonly base?: number;
  readonly wait: number;
  readonly json?: boolean;
};

/** `blindsight gateway config rollback NAME --version N`. */
export function registerGatewayConfigRollback(config: Command): void {
  config
    .command('rollback')
    .description('push an earlier version anew, with the credentials that it had, and wait as push does')
    .argument('<gateway>')
    .requiredOption(
      '--version <n>',
      'the version to go back to, see `config history`',
      integer(1, Number.MAX_SAFE_INTEGER),
    )
    .option('--base <n>', 'the newest version as you know it', integer(0, Number.MAX_SAFE_INTEGER))
    .option(...WAIT_OPTION)
    .option(...SITE_OPTION)
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nIt becomes a new version. Exit codes as of `config push`.\n\nExample:\n  blindsight gateway config rollback gate-1 --version 2',
    )
    .action((name: string, { data, version, base, wait, json }: Options) =>
      runCommand(async (run) => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { rollBackConfiguration } = await import('#backend/configuration/push-configuration.ts');
        await withSite(data, async (site) => {
          const pushed = await tryPush(() =>
            rollBackConfiguration({
              site,
              gateway: name,
              version,
              author: operatorName(),
              ...(base !== undefined && { expectedVersion: base }),
            }),
          );
          await followPush(site, pushed, run, { waitSeconds: wait, json: json === true });
        });
      }, 'stopped; what was pushed stays pushed'),
    );
}
