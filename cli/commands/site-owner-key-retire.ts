import type { Command } from 'commander';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

type Options = { readonly data: string; readonly rootKey: string; readonly now?: boolean };

/** `blindsight site owner-key retire ID`. */
export function registerSiteOwnerKeyRetire(ownerKey: Command): void {
  ownerKey
    .command('retire')
    .description('take an owner key off the list: nothing that it signed counts any more')
    .argument('<id>', 'as `owner-key list` shows it')
    .requiredOption(
      '--root-key <file>',
      'the root key, brought for this moment; take it away again afterwards',
    )
    .option('--now', 'also while gateways still run what only this key has signed: they stop then')
    .option(...SITE_OPTION)
    .action((id: string, { data, rootKey, now }: Options) =>
      runCommand(async () => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { retireKey } = await import('#backend/trust/replace-owner-key.ts');
        const { statement } = await withSite(data, (site) =>
          retireKey({ site, id, rootKeyFile: rootKey, ...(now && { now }) }),
        );
        process.stdout.write(`Owner key ${id} does not count any more (list ${statement.version}).\n`);
      }),
    );
}
