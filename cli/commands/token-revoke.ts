import type { Command } from 'commander';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

/** `blindsight token revoke NAME`. */
export function registerTokenRevoke(token: Command): void {
  token
    .command('revoke')
    .description('make a token worthless, from its next request on')
    .argument('<name>')
    .option(...SITE_OPTION)
    .action((name: string, { data }: { data: string }) =>
      runCommand(async () => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { revokeToken } = await import('#backend/people/tokens.ts');
        await withSite(data, (site) => revokeToken(site, name));
        process.stdout.write(`The token ${name} is not valid any more.\n`);
      }),
    );
}
