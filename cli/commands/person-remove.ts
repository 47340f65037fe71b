import type { Command } from 'commander';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

/** `blindsight person remove NAME`. */
export function registerPersonRemove(person: Command): void {
  person
    .command('remove')
    .description('shut a person out; whatever they have open ends')
    .argument('<name>')
    .option(...SITE_OPTION)
    .action((name: string, { data }: { data: string }) =>
      runCommand(async () => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { removePerson } = await import('#backend/people/accounts.ts');
        const left = await withSite(data, async (site) => {
          await removePerson(site, name);
          return site.store.people.list();
        });
        process.stdout.write(`${name} cannot log in any more.\n`);
        if (left.length === 0)
          process.stderr.write(
            'Nobody has an account now, and the page still asks for one: `blindsight person add` makes it.\n',
          );
      }),
    );
}
