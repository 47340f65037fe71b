import type { Command } from 'commander';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

/** `blindsight gateway group NAME [GROUP…]`. */
export function registerGatewayGroup(gateway: Command): void {
  gateway
    .command('group')
    .description('set the groups of a gateway, by which rollouts name it together with others')
    .argument('<gateway>')
    .argument('[group...]', 'all of its groups from now on; none takes it out of every group')
    .option(...SITE_OPTION)
    .addHelpText(
      'after',
      '\nExamples:\n  blindsight gateway group gate-1 doors north\n  blindsight rollout start model counter --to doors',
    )
    .action((name: string, groups: string[], { data }: { data: string }) =>
      runCommand(async () => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { groupGateway } = await import('#backend/operations/group-gateway.ts');
        const now = await withSite(data, (site) => groupGateway(site, name, groups));
        process.stdout.write(
          now.length === 0 ? `${name} is in no group.\n` : `${name} is in: ${now.join(', ')}.\n`,
        );
      }),
    );
}
