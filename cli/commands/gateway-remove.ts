import type { Command } from 'commander';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

/** `blindsight gateway remove NAME`. */
export function registerGatewayRemove(gateway: Command): void {
  gateway
    .command('remove')
    .description('remove a gateway for good, for example a stolen one; its name is never used again')
    .argument('<gateway>')
    .option(...SITE_OPTION)
    .action((name: string, { data }: { data: string }) =>
      runCommand(async () => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { removeGateway } = await import('#backend/operations/remove-gateway.ts');
        await withSite(data, (site) => removeGateway(site, name));
        process.stdout.write(
          `${name} is removed: nothing it sends is accepted any more, and its camera names are free for other gateways.\n` +
            'If it was stolen, see docs/operations.md.\n',
        );
      }),
    );
}
