import type { Command } from 'commander';
import { duration } from '../parse-option.ts';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

type Options = { readonly reason: string; readonly grace?: number; readonly data: string };

/** `blindsight gateway rekey NAME`. */
export function registerGatewayRekey(gateway: Command): void {
  gateway
    .command('rekey')
    .description('protect the networks of a gateway under new keys, and refuse answers under those before')
    .argument('<gateway>')
    .option('--reason <text>', 'reason, for the journal', 'asked for by the owner')
    .option(
      '--grace <time>',
      'how long answers under the keys of before are taken: 0s refuses what waits in its outbox (default: 72h)',
      duration(30 * 86_400_000),
    )
    .option(...SITE_OPTION)
    .addHelpText(
      'after',
      '\nExample:\n  blindsight gateway rekey gate-1 --reason "the box was opened" --grace 1h',
    )
    .action((name: string, { reason, grace, data }: Options) =>
      runCommand(async (run) => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { reprotectNetworks } = await import('#backend/operations/reprotect-gateway.ts');
        const releases = await withSite(data, (site, config) =>
          reprotectNetworks({
            ...{ site, gateway: name, reason, signal: run.signal },
            maxMessageBytes: config.broker.maxMessageKilobytes * 1024,
            ...(grace !== undefined && { graceMs: grace }),
            onProgress: (text, share) => run.progress.update('protecting', text, share),
          }),
        );
        run.progress.end();
        for (const release of releases)
          process.stdout.write(
            `${release.model} version ${release.version} with key set ${release.protection} is release ${release.counter} of ${name}; a running backend is sending it now\n`,
          );
      }, 'stopped; networks that it has not named keep their keys'),
    );
}
