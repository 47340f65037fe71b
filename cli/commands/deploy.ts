import type { Command } from 'commander';
import { integer } from '../parse-option.ts';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

type Options = { readonly version?: number; readonly validDays?: number; readonly data: string };

/** `blindsight deploy MODEL GATEWAY…`: sets which network gateways run, all at once. */
export function registerDeploy(program: Command): void {
  program
    .command('deploy')
    .description('deploy a protected network to gateways; a running backend sends it within a second')
    .argument('<model>', 'name of the model')
    .argument('<gateway...>')
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
      '\nExamples:\n  blindsight deploy counter gate-1\n  blindsight deploy counter gate-1 --version 2\n\nFor many gateways, in waves: `blindsight rollout start`.',
    )
    .action((model: string, gateways: string[], { version, validDays, data }: Options) =>
      runCommand(async () => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { deployToGateways } = await import('#backend/operations/deploy-model.ts');
        const releases = await withSite(data, (site, config) =>
          deployToGateways({
            site,
            model,
            gateways,
            maxMessageBytes: config.broker.maxMessageKilobytes * 1024,
            ...(version !== undefined && { version }),
            ...(validDays !== undefined && { validDays }),
          }),
        );
        for (const release of releases)
          process.stdout.write(
            `${release.model} version ${release.version} is release ${release.counter} of ${release.gateway} (${release.digest.slice(0, 12)}); ` +
              'a running backend is sending it now\n',
          );
      }),
    );
}
