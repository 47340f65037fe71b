import type { Command } from 'commander';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

/** `blindsight site root-key`. */
export function registerSiteRootKey(site: Command): void {
  site
    .command('root-key')
    .description('give a site that was made without one a root key; its gateways learn it by themselves')
    .requiredOption('--out <file>', 'where the root key is written (0600); take it off this machine')
    .option(...SITE_OPTION)
    .action(({ data, out }: { data: string; out: string }) =>
      runCommand(async () => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { introduceRoot } = await import('#backend/trust/replace-owner-key.ts');
        await withSite(data, (opened) => introduceRoot(opened, out));
        process.stdout.write(
          `${out} is the root key of this site. Take it off this machine and keep two copies: with it a stolen owner key is replaced from afar, ` +
            'and whoever has it commands every gateway.\n',
        );
      }),
    );
}
