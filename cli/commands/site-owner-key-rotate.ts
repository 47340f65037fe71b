import type { Command } from 'commander';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

type Options = { readonly data: string; readonly rootKey: string; readonly stolen?: boolean };

/** `blindsight site owner-key rotate`. */
export function registerSiteOwnerKeyRotate(ownerKey: Command): void {
  ownerKey
    .command('rotate')
    .description(
      'make another owner key and sign with it what gateways run; the root key says that it counts',
    )
    .requiredOption(
      '--root-key <file>',
      'the root key, brought for this moment; take it away again afterwards',
    )
    .option('--stolen', 'nothing counts any more that keys of before signed, at once')
    .option(...SITE_OPTION)
    .addHelpText('after', '\nExample:\n  blindsight site owner-key rotate --root-key /media/stick/root.key')
    .action(({ data, rootKey, stolen }: Options) =>
      runCommand(async () => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { replaceKey } = await import('#backend/trust/replace-owner-key.ts');
        const made = await withSite(data, (site, config) =>
          replaceKey({
            site,
            rootKeyFile: rootKey,
            maxMessageBytes: config.broker.maxMessageKilobytes * 1024,
            ...(stolen && { stolen }),
          }),
        );
        process.stdout.write(
          `Owner key ${made.id} signs from now on (list ${made.statement.version}). A running backend tells every gateway within seconds.\n`,
        );
        for (const line of made.notReleased) process.stdout.write(`Not signed anew: ${line}\n`);
        if (!stolen && made.statement.keys.length > 1)
          process.stdout.write(
            'Keys of before count on. Once every gateway runs what was signed anew, retire them: `blindsight site owner-key retire ID --root-key FILE`\n',
          );
      }),
    );
}
