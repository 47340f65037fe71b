import type { Command } from 'commander';
import { printJson, printTable } from '../print.ts';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

/** `blindsight person list`. */
export function registerPersonList(person: Command): void {
  person
    .command('list')
    .description('list the people who may log in')
    .option(...SITE_OPTION)
    .option('--json', 'print JSON')
    .action(({ data, json }: { data: string; json?: boolean }) =>
      runCommand(async () => {
        const { withSite } = await import('#backend/site-folder.ts');
        const records = await withSite(data, ({ store }) => store.people.list());
        const people = records.map(({ name, role, createdMs }) => ({
          ...{ name, role },
          created: new Date(createdMs).toISOString(),
        }));
        if (json) return printJson(people);
        printTable(
          ['NAME', 'ROLE', 'CREATED'],
          people.map(({ name, role, created }) => [name, role, created.slice(0, 10)]),
        );
      }),
    );
}
