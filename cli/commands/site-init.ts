import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { BlindsightError } from '#protocol/errors.ts';
import { plainCommand, siteCommand } from '../command-line.ts';
import { isInstalled } from '../installed.ts';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

type Options = {
  readonly site: string;
  readonly data: string;
  readonly brokerHost?: readonly string[];
  readonly postgresql?: string;
};

/** The default of `enrolment.port`. */
const ENROLMENT_PORT = 8481;

const each = (name: string, before: string[] = []): string[] => [...before, name];

/** `blindsight site init`. */
export function registerSiteInit(site: Command): void {
  site
    .command('init')
    .description('make keys, certificates, the store and settings; an existing site is left unchanged')
    .option('--site <name>', 'name of the site, part of every topic', 'site')
    .option(
      '--broker-host <name>',
      'host name or address under which remote gateways reach the broker; repeatable',
      each,
    )
    .option(
      '--postgresql <url-file>',
      'keep the store in PostgreSQL: a file (0600) with the postgresql://… of an empty database; it is copied into the folder',
    )
    .option(...SITE_OPTION)
    .addHelpText(
      'after',
      '\nExample:\n  blindsight site init --site plaza --data ./plaza --broker-host broker.example.org --broker-host 192.0.2.7',
    )
    .action(({ site: name, data, brokerHost: brokerNames = [], postgresql }: Options) =>
      runCommand(async () => {
        const { siteFiles } = await import('#backend/site-folder.ts');
        const { initializeSite } = await import('#backend/operations/initialize-site.ts');
        const { folder, brokerConfig, backendConfig } = siteFiles(data);
        if (brokerNames.length > 0 && existsSync(backendConfig)) {
          throw new BlindsightError(
            'SITE_EXISTS',
            `${folder} already holds a site. Add names for its broker with: ` +
              `\`blindsight site broker-host ${brokerNames.join(' ')}\``,
          );
        }
        const { rootKeyFile } = await initializeSite(folder, name, {
          brokerNames,
          enrolmentPort: ENROLMENT_PORT,
          ...(postgresql !== undefined && { postgresqlUrlFile: postgresql }),
        });
        const gateways =
          brokerNames.length > 0
            ? `Gateways reach the broker as ${brokerNames.join(' or ')}; it listens on every interface (\`host\` in broker.yaml).\n`
            : `Only gateways on this machine reach the broker. For others:\n  ${siteCommand(folder, 'site broker-host NAME')}\n`;
        // Those of an installed site are services.
        const daemons = isInstalled
          ? '\n'
          : ` Run its two daemons:\n  ${plainCommand(`broker --config ${brokerConfig}`)}\n` +
            `  ${plainCommand(`backend --config ${backendConfig}`)}\n`;
        const words =
          `${rootKeyFile} is the root key. Move it off this machine and keep two copies: with it a stolen owner key is replaced from afar,\n` +
          'and whoever has it commands every gateway. No daemon needs it.\n';
        process.stdout.write(`${folder} holds the site ${name}.${daemons}${gateways}${words}`);
      }),
    );
}
