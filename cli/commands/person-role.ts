import type { Command } from 'commander';
import type { Role } from '#protocol/roles.ts';
import { ROLES_HELP, roleOption } from '../role-option.ts';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

type Options = { readonly data: string; readonly role: Role };

/** `blindsight person role NAME --role R`. */
export function registerPersonRole(person: Command): void {
  person
    .command('role')
    .description('give a person another role; they have to log in again')
    .argument('<name>')
    .addOption(roleOption())
    .option(...SITE_OPTION)
    .addHelpText('after', `${ROLES_HELP}\n\nExample:\n  blindsight person role anna --role operator`)
    .action((name: string, { data, role }: Options) =>
      runCommand(async () => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { setRole } = await import('#backend/people/accounts.ts');
        await withSite(data, (site) => setRole(site, name, role));
        process.stdout.write(`${name} is ${role} now, and has to log in again.\n`);
      }),
    );
}
