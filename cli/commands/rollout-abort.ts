import type { Command } from 'commander';
import { followRollout, PACE_OPTIONS, type WaitOptions } from '../follow-rollout.ts';
import { operatorName } from '../operator-name.ts';
import { integer } from '../parse-option.ts';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

type Options = WaitOptions & { readonly back?: true; readonly data: string };

/** `blindsight rollout abort ID`. */
export function registerRolloutAbort(rollout: Command): void {
  rollout
    .command('abort')
    .description('end a rollout now; gateways that have the release keep it, or are taken back')
    .argument('<id>', 'number of the rollout', integer(1, 2 ** 31 - 1))
    .option('--back', 'then take back what it did, as `rollout back` does')
    .option(...PACE_OPTIONS.wait)
    .option(...SITE_OPTION)
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  blindsight rollout abort 4 --back --wait')
    .action((id: number, { back, data, ...waiting }: Options) =>
      runCommand(async (run) => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { abortRollout, takeBackRollout } = await import('#backend/rollout/control-rollout.ts');
        await withSite(data, async (site) => {
          await abortRollout({ site, id, author: operatorName() });
          if (!waiting.json) process.stdout.write(`Rollout ${id} is aborted.\n`);
          const { id: shown } = back ? await takeBackRollout({ site, id, author: operatorName() }) : { id };
          if (back || waiting.json) await followRollout(site, shown, run, back ? waiting : { json: true });
        });
      }, 'stopped; the rollout goes on'),
    );
}
