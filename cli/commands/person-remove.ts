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
        await withSite(data, (site) => removePerson(site, name));
        process.stdout.write(`${name} cannot log in any more.\n`);
      }),
    );
}
