import { resolve } from 'node:path';
import type { Command } from 'commander';
import { plainCommand, siteCommand } from '../command-line.ts';
import { type CommandRun, runCommand } from '../run-command.ts';

type Options = {
  readonly data?: string;
  readonly installationKey?: string;
  readonly postgresql?: string;
  readonly verify?: boolean;
};

const say = (text: string) => process.stdout.write(`${text}\n`);

/** `blindsight site restore BACKUP`. */
export function registerSiteRestore(site: Command): void {
  site
    .command('restore')
    .description('restore a site from a backup; with --verify, only check the backup and write nothing')
    .argument('<backup>', 'folder made by `site backup`')
    .option('--data <dir>', 'folder for the new site; must be empty or not exist')
    .option('--installation-key <file>', 'the installation key of the site')
    .option(
      '--postgresql <url-file>',
      'for a site in PostgreSQL: file (0600) with the URL of an empty database; or of the restored one, where the backup is without it',
    )
    .option('--verify', 'check only')
    .addHelpText(
      'after',
      '\nExamples:\n  blindsight site restore /backup/plaza-monday --verify --installation-key /safe/plaza.key' +
        '\n  blindsight site restore /backup/plaza-monday --data ./plaza --installation-key /safe/plaza.key',
    )
    .action((backup: string, { data, installationKey, postgresql, verify }: Options, command: Command) =>
      runCommand(async ({ progress }) => {
        if (verify) return check(backup, installationKey, progress);
        if (data === undefined || installationKey === undefined)
          command.error('error: give --data and --installation-key, or --verify');
        const { siteFiles } = await import('#backend/site-folder.ts');
        const { restoreSite } = await import('#backend/backup/restore-site.ts');
        const { manifest, gateways, notReleased } = await restoreSite({
          from: backup,
          to: data,
          keyFile: installationKey,
          ...(postgresql !== undefined && { postgresqlUrlFile: postgresql }),
          onProgress: (text, share) => progress.update('restoring', text, share),
        });
        progress.end();
        const { folder, brokerConfig, backendConfig } = siteFiles(data);
        say(`${folder} holds the site ${manifest.site} as of ${manifest.createdTime}. Run its two daemons:`);
        for (const words of [`broker --config ${brokerConfig}`, `backend --config ${backendConfig}`])
          say(`  ${plainCommand(words)}`);
        for (const line of notReleased) say(`Not released again: ${line}`);
        say(
          `It accepts answers from: ${gateways.join(', ') || 'no gateway'}. Remove those that were removed after the backup ` +
            `(${siteCommand(folder, 'gateway remove NAME')}). Never run the old site at the same time.`,
        );
      }),
    );
}

/** `--verify`: says what is complete, and what was not checked. */
async function check(
  backup: string,
  keyFile: string | undefined,
  progress: CommandRun['progress'],
): Promise<void> {
  const { verifyBackup } = await import('#backend/backup/verify-backup.ts');
  const { manifest, secrets, answers, isKeyRight } = await verifyBackup(backup, {
    ...(keyFile !== undefined && { keyFile }),
    onProgress: (text, share) => progress.update('checking', text, share),
  });
  progress.end();
  say(`${resolve(backup)} is complete: the site ${manifest.site} as of ${manifest.createdTime}.`);
  if (answers !== null) say(`Answers: ${answers}.`);
  if (manifest.store === 'postgresql') {
    say('Its store is in PostgreSQL: what is in it was not checked.');
    if (isKeyRight) say('The installation key is the one of this site.');
  } else if (secrets !== null) say(`All ${secrets} secrets open with the installation key.`);
  else say('Its secrets were not checked: that needs --installation-key.');
}
