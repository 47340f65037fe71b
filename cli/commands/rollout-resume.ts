import type { Command } from 'commander';
import { operatorName } from '../operator-name.ts';
import { integer } from '../parse-option.ts';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

/** `blindsight rollout resume ID`. */
export function registerRolloutResume(rollout: Command): void {
  rollout
    .command('resume')
    .description('let a paused rollout go on')
    .argument('<id>', 'number of the rollout', integer(1, 2 ** 31 - 1))
    .option(...SITE_OPTION)
    .action((id: number, { data }: { data: string }) =>
      runCommand(async () => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { resumeRollout } = await import('#backend/rollout/control-rollout.ts');
        await withSite(data, (site) => resumeRollout({ site, id, author: operatorName() }));
        process.stdout.write(`Rollout ${id} goes on.\n`);
      }),
    );
}
