import type { Command } from 'commander';
import { printJson, printTable } from '../print.ts';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

/** `blindsight token list`. */
export function registerTokenList(token: Command): void {
  token
    .command('list')
    .description('list the tokens that were not revoked')
    .option(...SITE_OPTION)
    .option('--json', 'print JSON')
    .action(({ data, json }: { data: string; json?: boolean }) =>
      runCommand(async () => {
        const { withSite } = await import('#backend/site-folder.ts');
        const records = await withSite(data, ({ store }) => store.tokens.list());
        const time = (ms: number) => new Date(ms).toISOString();
        const tokens = records.map(({ name, role, createdMs, endMs }) => ({
          ...{ name, role, created: time(createdMs) },
          ends: endMs === null ? null : time(endMs),
          expired: endMs !== null && endMs <= Date.now(),
        }));
        if (json) return printJson(tokens);
        printTable(
          ['NAME', 'ROLE', 'CREATED', 'ENDS'],
          tokens.map(({ name, role, created, ends, expired }) => [
            ...[name, role, created.slice(0, 10)],
            ends === null ? 'never' : `${ends.slice(0, 10)}${expired ? ', expired' : ''}`,
          ]),
        );
      }),
    );
}
