import type { Command } from 'commander';
import { followRollout, PACE_OPTIONS, ROLLOUT_EXITS, type WaitOptions, waves } from '../follow-rollout.ts';
import { operatorName } from '../operator-name.ts';
import { integer } from '../parse-option.ts';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

type Options = WaitOptions & {
  readonly waves?: string[];
  readonly limit?: number;
  readonly instead?: true;
  readonly data: string;
};

/** `blindsight rollout back ID`. */
export function registerRolloutBack(rollout: Command): void {
  rollout
    .command('back')
    .description(
      'release to each gateway of a rollout that has ended what it ran before; a rollout of its own',
    )
    .argument('<id>', 'number of the rollout to take back', integer(1, 2 ** 31 - 1))
    .option('--waves <list>', 'as for `rollout start` (default: all at once)', waves)
    .option(...PACE_OPTIONS.limit)
    .option(...PACE_OPTIONS.instead)
    .option(...PACE_OPTIONS.wait)
    .option(...SITE_OPTION)
    .option('--json', 'print JSON')
    .addHelpText('after', `\n${ROLLOUT_EXITS}\n\nExample:\n  blindsight rollout back 4 --wait`)
    .action((id: number, { waves: list, limit, instead, data, ...waiting }: Options) =>
      runCommand(async (run) => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { takeBackRollout } = await import('#backend/rollout/control-rollout.ts');
        await withSite(data, async (site) => {
          const back = await takeBackRollout({
            ...{ site, id, author: operatorName() },
            ...(list !== undefined && { waves: list }),
            ...(limit !== undefined && { limitMs: limit }),
            ...(instead && { instead }),
          });
          await followRollout(site, back.id, run, waiting);
        });
      }, 'stopped; the rollout goes on'),
    );
}
