import type { Command } from 'commander';
import { formatBytes, printJson, printTable } from '../print.ts';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

/** `blindsight software list`. */
export function registerSoftwareList(software: Command): void {
  software
    .command('list')
    .description('list the software of gateways that can be released')
    .option(...SITE_OPTION)
    .option('--json', 'print JSON')
    .action(({ data, json }: { data: string; json?: boolean }) =>
      runCommand(async () => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { listSoftware } = await import('#backend/software/software-views.ts');
        const archives = await withSite(data, (site) => listSoftware(site.store));
        if (json) return printJson(archives);
        printTable(
          ['VERSION', 'MACHINE', 'ADDED', 'SIZE', 'SHA-256'],
          archives.map(({ version, platform, added, bytes, sha256 }) => [
            version,
            platform,
            added.slice(0, 10),
            formatBytes(bytes),
            sha256,
          ]),
        );
      }),
    );
}
