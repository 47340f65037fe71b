import { dirname, resolve } from 'node:path';
import type { Command } from 'commander';
import { followPush, tryPush, WAIT_OPTION } from '../follow-push.ts';
import { operatorName } from '../operator-name.ts';
import { integer } from '../parse-option.ts';
import { runCommand } from '../run-command.ts';
import { versionOf } from '../settings-header.ts';
import { SITE_OPTION } from '../site-option.ts';

type Options = {
  readonly data: string;
  readonly file: string;
  readonly base?: number;
  readonly wait: number;
  readonly json?: boolean;
};

/** `blindsight gateway config push NAME --file F`. */
export function registerGatewayConfigPush(config: Command): void {
  config
    .command('push')
    .description('give a gateway other settings, and wait until it runs them')
    .argument('<gateway>')
    .requiredOption(
      '--file <file>',
      'settings as YAML: agent.yaml without site, gateway, data, broker, identity',
    )
    .option(
      '--base <n>',
      'the version that this is a change of; where another was pushed since, nothing is (default: what `config show` wrote into the file)',
      integer(0, Number.MAX_SAFE_INTEGER),
    )
    .option(...WAIT_OPTION)
    .option(...SITE_OPTION)
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
What \`credentials\` of a camera names is a file beside the settings, mode 0600, with one line user:password. It is sealed to the gateway: neither the
broker nor this site can read it afterwards. Without the file a camera keeps what was pushed for it last, as long as its address names the same host, port and scheme.

A gateway that has no connection within 60 s of new settings, or ends twice, goes back to those before.

Exit codes:
  0  the gateway runs these settings
  1  they were not pushed, for example because somebody else pushed meanwhile
  3  there is a mistake in them, as the site or the gateway found; nothing was changed
  4  the gateway reverted to what it ran before
  5  no answer within --wait; they are still sent once the gateway is there

Example:
  blindsight gateway config push gate-1 --file gate-1.yaml`,
    )
    .action((name: string, { data, file, base, wait, json }: Options) =>
      runCommand(async (run) => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { readSettings } = await import('#backend/configuration/read-settings.ts');
        const { readCredentials } = await import('#backend/configuration/read-credentials.ts');
        const { pushConfiguration } = await import('#backend/configuration/push-configuration.ts');
        await withSite(data, async (site) => {
          const settings = await readSettings(file);
          const expectedVersion = base ?? versionOf(settings, name);
          const pushed = await tryPush(async () =>
            pushConfiguration({
              site,
              gateway: name,
              settings,
              origin: file,
              author: operatorName(),
              credentials: await readCredentials(settings, file, dirname(resolve(file))),
              ...(expectedVersion !== undefined && { expectedVersion }),
            }),
          );
          await followPush(site, pushed, run, { waitSeconds: wait, json: json === true });
        });
      }, 'stopped; what was pushed stays pushed'),
    );
}
