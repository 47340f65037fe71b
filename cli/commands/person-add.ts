import type { Command } from 'commander';
import type { Role } from '#protocol/roles.ts';
import { readPassword } from '../read-password.ts';
import { ROLES_HELP, roleOption } from '../role-option.ts';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

type Options = { readonly data: string; readonly role: Role };

/** `blindsight person add NAME --role R`. */
export function registerPersonAdd(person: Command): void {
  person
    .command('add')
    .description('give a person an account; the password is typed, or the first line of standard input')
    .argument('<name>')
    .addOption(roleOption())
    .option(...SITE_OPTION)
    .addHelpText(
      'after',
      `${ROLES_HELP}

Until the first account exists, whoever works on the machine of the backend is the owner without log-in. From then on, everybody has to log in, there too.

Example:
  blindsight person add anna --role owner`,
    )
    .action((name: string, { data, role }: Options) =>
      runCommand(async () => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { addPerson } = await import('#backend/people/accounts.ts');
        await withSite(data, async (site) => {
          const isFirst = !(await site.store.people.any());
          await addPerson(site, { name, role, password: await readPassword(name) });
          process.stdout.write(`${name} may log in as ${role}.\n`);
          if (isFirst)
            process.stdout.write(
              'This is the first account: from now on, the page asks everybody to log in.\n',
            );
        });
      }, 'stopped; nothing was changed'),
    );
}
