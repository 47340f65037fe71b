import type { Command } from 'commander';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

/** `blindsight software remove VERSION`. */
export function registerSoftwareRemove(software: Command): void {
  software
    .command('remove')
    .description(
      'remove a version of the software of gateways, for every machine; gateways that run it keep it',
    )
    .argument('<version>')
    .option(...SITE_OPTION)
    .action((version: string, { data }: { data: string }) =>
      runCommand(async () => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { removeSoftware } = await import('#backend/software/add-software.ts');
        const removed = await withSite(data, (site) => removeSoftware(site, version));
        const machines = removed.map(({ platform }) => platform).join(' and ');
        process.stdout.write(`Software ${version} for ${machines} is removed.\n`);
      }),
    );
}
