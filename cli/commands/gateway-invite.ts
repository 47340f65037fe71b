import type { Command } from 'commander';
import { integer } from '../parse-option.ts';
import { printJson } from '../print.ts';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

type Options = {
  readonly data: string;
  readonly hours: number;
  readonly address?: string;
  readonly json?: boolean;
};

/** `blindsight gateway invite NAME` and `blindsight gateway replace NAME`. */
export function registerGatewayInvite(gateway: Command): void {
  register(gateway, 'invite', 'make an invitation, with which a machine becomes a gateway', false);
  register(
    gateway,
    'replace',
    'make an invitation for another machine that takes the place of a gateway',
    true,
  );
}

function register(
  gateway: Command,
  word: 'invite' | 'replace',
  description: string,
  replaces: boolean,
): void {
  gateway
    .command(word)
    .description(description)
    .argument('<gateway>', 'name: lower-case letters, digits and hyphens')
    .option('--hours <n>', 'how long it may be used', integer(1, 24 * 14), 24)
    .option(
      '--address <host:port>',
      'where the gateway reaches the enrolment (default: the names of `site broker-host`)',
    )
    .option(...SITE_OPTION)
    .option('--json', 'print JSON')
    .addHelpText('after', replaces ? REPLACE_HELP : INVITE_HELP)
    .action((name: string, { data, hours, address, json }: Options) =>
      runCommand(async () => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { inviteGateway } = await import('#backend/operations/invite-gateway.ts');
        const made = await withSite(data, (site, config) =>
          inviteGateway({
            ...{ site, config, gateway: name, replaces, hours },
            ...(address !== undefined && { address }),
          }),
        );
        if (json) return printJson(made);
        process.stdout.write(`${made.token}\n`);
        const where = made.addresses.map(({ host, port }) => `${host} port ${port}`).join(', ');
        process.stderr.write(
          `Good once, until ${made.expires}, at ${where}. Whoever uses it first becomes ${name}: hand it over like a password.\n` +
            'On the gateway: `blindsight agent enrol --token-file FILE --out DIR`\n',
        );
      }),
    );
}

const INVITE_HELP = `
The invitation is one line on standard output. The running backend of the site takes it, once.

Example:
  blindsight gateway invite gate-1 > invitation.txt`;

const REPLACE_HELP = `
Nothing changes until the other machine uses the invitation. Then the certificate and the keys of the one before count no more, and what it sends is
refused, also what it has kept until then. The history, the network and the settings go over to the other machine; passwords of cameras do
not, because only the machine before could open them.

Example:
  blindsight gateway replace gate-1 > invitation.txt`;
