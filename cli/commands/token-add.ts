import type { Command } from 'commander';
import type { Role } from '#protocol/roles.ts';
import { integer } from '../parse-option.ts';
import { printJson } from '../print.ts';
import { ROLES_HELP, tokenRoleOption } from '../role-option.ts';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

type Options = {
  readonly data: string;
  readonly role: Role;
  readonly days?: number;
  readonly json?: boolean;
};

/** `blindsight token add NAME --role R`. */
export function registerTokenAdd(token: Command): void {
  token
    .command('add')
    .description('make a token for a program, and print it: this once')
    .argument('<name>')
    .addOption(tokenRoleOption())
    .option('--days <n>', 'how long it is valid (default: until it is revoked)', integer(1, 36_500))
    .option(...SITE_OPTION)
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `${ROLES_HELP}
  auditor     nothing but the work of \`blindsight auditor\`

It is sent as a header, \`Authorization: Bearer …\`, and never as part of an address.

Example:
  blindsight token add wallboard --role viewer --days 365`,
    )
    .action((name: string, { data, role, days, json }: Options) =>
      runCommand(async () => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { addToken } = await import('#backend/people/tokens.ts');
        const made = await withSite(data, (site) => addToken(site, { name, role, days: days ?? null }));
        if (json) return printJson({ name, role, token: made });
        process.stdout.write(`${made}\n`);
        process.stderr.write('Keep it where only the program can read it: it is not shown again.\n');
      }),
    );
}
