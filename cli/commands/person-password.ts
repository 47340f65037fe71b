import type { Command } from 'commander';
import { readPassword } from '../read-password.ts';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

/** `blindsight person password NAME`. */
export function registerPersonPassword(person: Command): void {
  person
    .command('password')
    .description(
      'give a person another password: typed, or the first line of standard input; they have to log in again',
    )
    .argument('<name>')
    .option(...SITE_OPTION)
    .addHelpText('after', '\nExample:\n  blindsight person password anna')
    .action((name: string, { data }: { data: string }) =>
      runCommand(async () => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { setPassword } = await import('#backend/people/accounts.ts');
        await withSite(data, async (site) => setPassword(site, name, await readPassword(name)));
        process.stdout.write(`${name} has a new password, and has to log in again.\n`);
      }, 'stopped; nothing was changed'),
    );
}
