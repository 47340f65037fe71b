import type { Command } from 'commander';
import type { DeploymentRecord } from '#backend/store/deployments.ts';
import {
  addKeyOptions,
  addPlaceOptions,
  type KeyOptions,
  keyChoice,
  type PlaceOptions,
  placeChoice,
} from '../key-choice.ts';
import { integer } from '../parse-option.ts';
import { note } from '../print.ts';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

type Options = KeyOptions &
  PlaceOptions & { readonly version?: number; readonly validDays?: number; readonly data: string };

/** `blindsight deploy MODEL GATEWAY…`: sets which network gateways run, all at once. */
export function registerDeploy(program: Command): void {
  addPlaceOptions(addKeyOptions(program.command('deploy')))
    .description(
      'deploy a protected network to gateways, each with keys of its own; a running backend sends it within a second',
    )
    .argument('<model>', 'name of the model')
    .argument('<gateway...>', 'gateways, groups, or all')
    .option(
      '--version <n>',
      'version of the model, to go back to an earlier one (default: the newest)',
      integer(1, 2 ** 31 - 1),
    )
    .option(
      '--valid-days <n>',
      'gateways that have not taken it up by then do not any more (default: no end)',
      integer(1, 3650),
    )
    .option(...SITE_OPTION)
    .addHelpText(
      'after',
      '\nExamples:\n  blindsight deploy counter gate-1\n  blindsight deploy counter gate-1 --version 2\n  blindsight deploy counter all --shared\n  blindsight deploy carpark gate-1 --beside\n\n' +
        'Keys that a gateway lacks are made first, several at once. Whatever ends that, the next attempt makes only what is missing.\n\nFor many gateways, in waves: `blindsight rollout start`.',
    )
    .action((model: string, names: string[], { version, validDays, data, ...choices }: Options) =>
      runCommand(async (run) => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { deployToGateways } = await import('#backend/operations/deploy-model.ts');
        const { findTargets } = await import('#backend/rollout/find-targets.ts');
        const { releases, before } = await withSite(data, async (site, config) => ({
          before: await site.store.deployments.current(),
          releases: await deployToGateways({
            site,
            model,
            gateways: (await findTargets(site.store, names)).map((gateway) => gateway.name),
            ...keyChoice(choices),
            ...placeChoice(choices),
            signal: run.signal,
            onProgress: (text, share) => run.progress.update('protecting', text, share),
            maxMessageBytes: config.broker.maxMessageKilobytes * 1024,
            ...(version !== undefined && { version }),
            ...(validDays !== undefined && { validDays }),
          }),
        }));
        run.progress.end();
        for (const release of releases)
          process.stdout.write(
            `${release.model} version ${release.version} is release ${release.counter} of ${release.gateway} (${release.digest.slice(0, 12)}); ` +
              'a running backend is sending it now\n',
          );
        for (const words of placeWords(releases, before)) note(words);
      }, 'stopped; nothing was deployed, and keys that were complete are kept for the next attempt'),
    );
}

/** Which cameras look to what was deployed, where that is not all as before. */
function placeWords(releases: readonly DeploymentRecord[], before: readonly DeploymentRecord[]): string[] {
  const words: string[] = [];
  for (const { gateway, model, beside } of releases) {
    const had = before.find(
      (one) => one.gateway === gateway && one.beside === beside && (!beside || one.model === model),
    );
    if (beside && had === undefined)
      words.push(
        `${gateway} fetches ${model} once a camera names it: \`blindsight camera network CAMERA ${model}\``,
      );
    if (!beside && had !== undefined && had.model !== model)
      words.push(
        `${model} takes the place of ${had.model} on ${gateway}; to have that beside it, for cameras that name it: \`blindsight deploy ${had.model} ${gateway} --beside\``,
      );
  }
  return words;
}
