import type { Command } from 'commander';
import { printRollout } from '../follow-rollout.ts';
import { integer } from '../parse-option.ts';
import { printJson } from '../print.ts';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

/** `blindsight rollout show ID`. */
export function registerRolloutShow(rollout: Command): void {
  rollout
    .command('show')
    .description('show a rollout and what became of each of its gateways')
    .argument('<id>', 'number of the rollout', integer(1, 2 ** 31 - 1))
    .option(...SITE_OPTION)
    .option('--json', 'print JSON')
    .action((id: number, { data, json }: { data: string; json?: boolean }) =>
      runCommand(async () => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { findRollout } = await import('#backend/rollout/control-rollout.ts');
        const { viewRollout } = await import('#backend/rollout/rollout-views.ts');
        const view = await withSite(data, async (site) =>
          viewRollout(site.store, await findRollout(site, id)),
        );
        if (json) printJson(view);
        else printRollout(view);
      }),
    );
}
