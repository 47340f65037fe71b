import type { Command } from 'commander';
import { printable, printJson, printTable } from '../print.ts';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

/** `blindsight rollout list`. */
export function registerRolloutList(rollout: Command): void {
  rollout
    .command('list')
    .description('list rollouts, the newest first')
    .option(...SITE_OPTION)
    .option('--json', 'print JSON')
    .action(({ data, json }: { data: string; json?: boolean }) =>
      runCommand(async () => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { listRollouts } = await import('#backend/rollout/rollout-views.ts');
        const rollouts = await withSite(data, (site) => listRollouts(site.store));
        if (json) return printJson(rollouts);
        printTable(
          ['ROLLOUT', 'STARTED', 'BY', 'WHAT', 'STATE', 'WAVE', 'RUN IT', 'FAILED', 'WHY'],
          rollouts.map((one) => [
            String(one.id),
            one.created.slice(0, 16),
            printable(one.author),
            one.title,
            one.state,
            `${one.wave} of ${one.waves}`,
            `${one.gateways.done} of ${Object.values(one.gateways).reduce((sum, count) => sum + count, 0)}`,
            String(one.gateways.failed + one.gateways.timedOut),
            one.error === null ? '' : printable(one.error.message),
          ]),
        );
      }),
    );
}
