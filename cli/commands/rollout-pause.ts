import type { Command } from 'commander';
import { operatorName } from '../operator-name.ts';
import { integer } from '../parse-option.ts';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

/** `blindsight rollout pause ID`. */
export function registerRolloutPause(rollout: Command): void {
  rollout
    .command('pause')
    .description('release to no further gateway until it is resumed')
    .argument('<id>', 'number of the rollout', integer(1, 2 ** 31 - 1))
    .option(...SITE_OPTION)
    .action((id: number, { data }: { data: string }) =>
      runCommand(async () => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { pauseRollout } = await import('#backend/rollout/control-rollout.ts');
        await withSite(data, (site) => pauseRollout({ site, id, author: operatorName() }));
        process.stdout.write(`Rollout ${id} is paused; its time goes on.\n`);
      }),
    );
}
