import { resolve } from 'node:path';
import type { Command } from 'commander';
import { plainCommand } from '../command-line.ts';
import { formatBytes } from '../print.ts';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

type Options = { readonly data: string; readonly keyOut?: string; readonly withoutDatabase?: boolean };

const say = (text: string) => process.stdout.write(`${text}\n`);

/** `blindsight site backup DIR`. */
export function registerSiteBackup(site: Command): void {
  site
    .command('backup')
    .description(
      'copy a site while it runs: store, bundle parts, certificates, settings; not its installation key',
    )
    .argument('<dir>', 'folder to create; must not exist')
    .option('--key-out <file>', 'copy the installation key to this file; keep it apart from the backup')
    .option('--without-database', 'leave a database in PostgreSQL to copies of your own')
    .option(...SITE_OPTION)
    .addHelpText(
      'after',
      '\nExample:\n  blindsight site backup /backup/plaza-monday --data ./plaza --key-out /safe/plaza.key',
    )
    .action((dir: string, { data, keyOut, withoutDatabase = false }: Options) =>
      runCommand(async ({ progress }) => {
        const { siteFiles, withSite } = await import('#backend/site-folder.ts');
        const { backUpSite } = await import('#backend/backup/back-up-site.ts');
        const { manifest, name, key } = await withSite(data, async (opened, config) => ({
          name: opened.name,
          key: config.installationKey,
          manifest: await backUpSite({
            site: opened,
            config,
            folder: siteFiles(data).folder,
            to: dir,
            withoutDatabase,
            ...(keyOut !== undefined && { keyTo: keyOut }),
            onProgress: (text, share) => progress.update('backing up', text, share),
          }),
        }));
        progress.end();
        const bytes = manifest.parts.reduce((sum, part) => sum + part.bytes, 0);
        say(`${resolve(dir)} holds the site ${name} as of ${manifest.createdTime} (${formatBytes(bytes)}).`);
        say(
          keyOut === undefined
            ? `The installation key is NOT included: without ${key} nobody can open the keys in this backup. Keep a copy of it elsewhere.`
            : `The installation key is in ${resolve(keyOut)}: keep it apart from the backup.`,
        );
        if (manifest.store === 'postgresql' && withoutDatabase) {
          say(
            'The store is in PostgreSQL and NOT included. Back it up with pg_dump --format=custom, before this.',
          );
        }
        const keyFile = keyOut === undefined ? key : resolve(keyOut);
        say(
          `Check it:  ${plainCommand(`site restore ${resolve(dir)} --verify --installation-key ${keyFile}`)}`,
        );
      }),
    );
}
