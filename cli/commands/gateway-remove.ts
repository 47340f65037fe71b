import type { Command } from 'commander';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

/** `blindsight gateway remove NAME`. */
export function registerGatewayRemove(gateway: Command): void {
  gateway
    .command('remove')
    .description('withdraw a gateway for good, for example a stolen one; its name is not used again')
    .argument('<gateway>')
    .option(...SITE_OPTION)
    .action((name: string, { data }: { data: string }) =>
      runCommand(async () => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { removeGateway } = await import('#backend/operations/remove-gateway.ts');
        await withSite(data, (site) => removeGateway(site, name));
        process.stdout.write(
          `${name} is withdrawn: nothing of it is taken any more, and its cameras are free for other gateways.\n` +
            'What to do where it was stolen: docs/operations.md.\n',
        );
      }),
    );
}
