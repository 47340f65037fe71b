import type { Command } from 'commander';
import { addKeyOptions, type KeyOptions, keyChoice } from '../key-choice.ts';
import { integer } from '../parse-option.ts';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

type Options = KeyOptions & { readonly version?: number; readonly validDays?: number; readonly data: string };

/** `blindsight deploy MODEL GATEWAY…`: sets which network gateways run, all at once. */
export function registerDeploy(program: Command): void {
  addKeyOptions(program.command('deploy'))
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
      '\nExamples:\n  blindsight deploy counter gate-1\n  blindsight deploy counter gate-1 --version 2\n  blindsight deploy counter all --shared\n\n' +
        'Keys that a gateway lacks are made first, several at once. Whatever ends that, the next attempt makes only what is missing.\n\nFor many gateways, in waves: `blindsight rollout start`.',
    )
    .action((model: string, names: string[], { version, validDays, data, ...keys }: Options) =>
      runCommand(async (run) => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { deployToGateways } = await import('#backend/operations/deploy-model.ts');
        const { findTargets } = await import('#backend/rollout/find-targets.ts');
        const releases = await withSite(data, async (site, config) =>
          deployToGateways({
            site,
            model,
            gateways: (await findTargets(site.store, names)).map((gateway) => gateway.name),
            ...keyChoice(keys),
            signal: run.signal,
            onProgress: (text, share) => run.progress.update('protecting', text, share),
            maxMessageBytes: config.broker.maxMessageKilobytes * 1024,
            ...(version !== undefined && { version }),
            ...(validDays !== undefined && { validDays }),
          }),
        );
        run.progress.end();
        for (const release of releases)
          process.stdout.write(
            `${release.model} version ${release.version} is release ${release.counter} of ${release.gateway} (${release.digest.slice(0, 12)}); ` +
              'a running backend is sending it now\n',
          );
      }, 'stopped; nothing was deployed, and keys that were complete are kept for the next attempt'),
    );
}
