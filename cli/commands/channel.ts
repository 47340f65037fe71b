import type { Command } from 'commander';
import { printJson, printTable } from '../print.ts';
import { readSettings } from '../read-settings.ts';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

const EXAMPLES = `
The settings are YAML or JSON, from a file that only you can read, or from standard input (-): they hold secrets. One of:

  kind: webhook                        kind: email
  url: https://example.org/alerts      host: mail.example.org
                                       tls: starttls          # or tls, or none
  kind: ntfy                           user: yard
  url: https://ntfy.sh/our-yard        password: …
  token: tk_…                          from: yard@example.org
                                       to: [guard@example.org]
  kind: gotify
  url: https://gotify.example.org      kind: telegram
  token: A…                            token: 123456:…
                                       chat: "-1001234567"

A webhook gets a key with which its receiver checks that an alert is from here; it is printed this once. docs/alerts.md has the rest.

Examples:
  blindsight channel add guard guard.yaml
  pass show yard/guard | blindsight channel add guard -
`;

type Options = { readonly data: string; readonly json?: boolean };

/** `blindsight channel add|list|test|remove`: where alerts are sent. */
export function registerChannel(program: Command): void {
  const channel = program
    .command('channel')
    .description('where alerts are sent (webhook, email, ntfy, Gotify, Telegram): add, list, test, remove');
  registerAdd(channel);
  registerList(channel);
  channel
    .command('test')
    .description('send a test through a channel, at once')
    .argument('<name>')
    .option(...SITE_OPTION)
    .action((name: string, { data }: Options) =>
      runCommand(async (run) => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { testChannel } = await import('#backend/alerts/channels.ts');
        await withSite(data, (site) => testChannel(site, name, { signal: run.signal }));
        process.stdout.write(`${name} has taken the test\n`);
      }),
    );
  channel
    .command('remove')
    .description('remove a channel with its secrets; what waits for it is not delivered')
    .argument('<name>')
    .option(...SITE_OPTION)
    .action((name: string, { data }: Options) =>
      runCommand(async () => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { removeChannel } = await import('#backend/alerts/channels.ts');
        await withSite(data, (site) => removeChannel(site, name));
        process.stdout.write(`there is no channel ${name} any more\n`);
      }),
    );
}

function registerAdd(channel: Command): void {
  channel
    .command('add')
    .description('add a channel; rules name it in `notify`')
    .argument('<name>')
    .argument('<file>', 'its settings, or - for standard input')
    .option(...SITE_OPTION)
    .option('--json', 'print JSON')
    .addHelpText('after', EXAMPLES)
    .action((name: string, file: string, { data, json }: Options) =>
      runCommand(async () => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { addChannel } = await import('#backend/alerts/channels.ts');
        const settings = await readSettings(file);
        const added = await withSite(data, (site) => addChannel(site, name, settings));
        if (json) return printJson(added);
        if (added.secret !== undefined) {
          process.stdout.write(`${added.secret}\n`);
          process.stderr.write(
            'The receiver checks with this key that an alert is from here. It is not shown again.\n',
          );
        }
        process.stderr.write(
          `Alerts can go through ${name} to ${added.to}. Try it: blindsight channel test ${name}\n`,
        );
      }),
    );
}

function registerList(channel: Command): void {
  channel
    .command('list')
    .description('list the channels, and what came of what was sent')
    .option(...SITE_OPTION)
    .option('--json', 'print JSON')
    .action(({ data, json }: Options) =>
      runCommand(async () => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { listChannels } = await import('#backend/alerts/channels.ts');
        const channels = await withSite(data, listChannels);
        if (json) return printJson(channels);
        printTable(
          ['CHANNEL', 'KIND', 'TO', 'WAITING', 'DELIVERED', 'TROUBLE'],
          channels.map((one) => [
            ...[one.name, one.kind, one.to, String(one.waiting)],
            ...[one.delivered ?? '-', one.trouble ?? '-'],
          ]),
        );
      }),
    );
}
