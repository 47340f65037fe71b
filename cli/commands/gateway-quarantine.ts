import type { Command } from 'commander';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

/** `blindsight gateway quarantine NAME --reason TEXT`. */
export function registerGatewayQuarantine(gateway: Command): void {
  gateway
    .command('quarantine')
    .description('keep the answers of a gateway without decrypting them until you release it')
    .argument('<gateway>')
    .requiredOption('--reason <text>', 'reason, shown on the page and in the journal')
    .option(...SITE_OPTION)
    .action((name: string, { reason, data }: { reason: string; data: string }) =>
      runCommand(async () => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { quarantineGateway } = await import('#backend/operations/gateways.ts');
        const put = await withSite(data, (site) => quarantineGateway(site, name, reason));
        process.stdout.write(
          put
            ? `${name} is in quarantine: its answers are kept, but not decrypted until you release it.\n`
            : `${name} was already in quarantine; the first reason stays.\n`,
        );
      }),
    );
}
