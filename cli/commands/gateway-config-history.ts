import type { Command } from 'commander';
import { printable, printJson, printTable } from '../print.ts';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

/** `blindsight gateway config history NAME`. */
export function registerGatewayConfigHistory(config: Command): void {
  config
    .command('history')
    .description('list the settings that were pushed to a gateway, and what became of them')
    .argument('<gateway>')
    .option(...SITE_OPTION)
    .option('--json', 'print JSON')
    .action((name: string, { data, json }: { data: string; json?: boolean }) =>
      runCommand(async () => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { listConfigurations } = await import('#backend/configuration/describe-configurations.ts');
        const [versions, running] = await withSite(data, async (site) => [
          await listConfigurations(site, name),
          await site.store.configurations.running(name),
        ]);
        if (json) return printJson(versions);
        printTable(
          ['VERSION', 'PUSHED', 'BY', 'STATE', 'SINCE', 'WHY'],
          versions.map(({ version, pushed, author, status, since, error }) => [
            String(version),
            pushed,
            printable(author),
            version === running.running ? `${status}, runs` : status,
            since,
            error === null ? '-' : printable(`${error.code}: ${error.message.split('\n', 1)[0]}`),
          ]),
        );
      }),
    );
}
