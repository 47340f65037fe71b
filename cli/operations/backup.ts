import { resolve } from 'node:path';
import { backUpSite } from '#backend/backup/back-up-site.ts';
import { restoreSite } from '#backend/backup/restore-site.ts';
import { verifyBackup } from '#backend/backup/verify-backup.ts';
import { siteFiles, withSite } from '#backend/site-folder.ts';
import { formatBytes } from '../print.ts';
import { Progress } from '../progress.ts';

export type RestoreOptions = {
  readonly data?: string;
  readonly installationKey?: string;
  readonly postgresql?: string;
  readonly verify?: boolean;
};

const say = (text: string) => process.stdout.write(`${text}\n`);

/** Gives `work` a progress line, and takes it away at the end. */
async function withProgress<T>(
  stage: string,
  work: (onProgress: (text: string, share: number) => void) => Promise<T>,
): Promise<T> {
  const progress = new Progress();
  try {
    return await work((text, share) => progress.update(stage, text, share));
  } finally {
    progress.end();
  }
}

/** `blindsight site backup DIR`. */
export async function backUp(dir: string, options: { data: string; keyOut?: string }): Promise<void> {
  const { folder } = siteFiles(options.data);
  await withSite(options.data, async (site, config) => {
    const { keyOut } = options;
    const manifest = await withProgress('backing up', (onProgress) =>
      backUpSite({
        site,
        config,
        folder,
        to: dir,
        ...(keyOut !== undefined && { keyTo: keyOut }),
        onProgress,
      }),
    );
    const bytes = manifest.parts.reduce((sum, part) => sum + part.bytes, 0);
    say(`${resolve(dir)} holds the site ${site.name} as of ${manifest.createdTime} (${formatBytes(bytes)}).`);
    say(
      keyOut === undefined
        ? `The installation key is NOT inside: without ${config.installationKey} nobody can open the keys in this backup. Keep a copy of it elsewhere.`
        : `The installation key is in ${resolve(keyOut)}: keep it elsewhere than the backup.`,
    );
    if (manifest.store === 'postgresql') {
      say('The store is in PostgreSQL and NOT inside. Back it up with pg_dump --format=custom, before this.');
    }
    const key = keyOut === undefined ? config.installationKey : resolve(keyOut);
    say(`Check it:  blindsight site restore ${resolve(dir)} --verify --installation-key ${key}`);
  });
}

/** `blindsight site restore BACKUP`. */
export async function restore(backup: string, options: RestoreOptions): Promise<void> {
  const { data, installationKey, postgresql } = options;
  if (options.verify === true || data === undefined || installationKey === undefined) {
    const { manifest, secrets, answers } = await withProgress('checking', (onProgress) =>
      verifyBackup(backup, {
        ...(installationKey !== undefined && { keyFile: installationKey }),
        onProgress,
      }),
    );
    say(`${resolve(backup)} is whole: the site ${manifest.site} as of ${manifest.createdTime}.`);
    if (answers !== null) say(`Answers: ${answers}.`);
    if (manifest.store === 'postgresql')
      say('Its store is in PostgreSQL and not inside: it was not checked.');
    else if (secrets !== null) say(`All ${secrets} secrets open with the installation key.`);
    else say('Whether its secrets open was not checked: name the key with --installation-key.');
    return;
  }
  const { manifest, gateways, notReleased } = await withProgress('restoring', (onProgress) =>
    restoreSite({
      from: backup,
      to: data,
      keyFile: installationKey,
      ...(postgresql !== undefined && { postgresqlUrlFile: postgresql }),
      onProgress,
    }),
  );
  const { folder, brokerConfig, backendConfig } = siteFiles(data);
  say(`${folder} holds the site ${manifest.site} as of ${manifest.createdTime}. Run its two daemons:`);
  say(`  blindsight broker --config ${brokerConfig}\n  blindsight backend --config ${backendConfig}`);
  for (const line of notReleased) say(`Not released anew: ${line}`);
  say(
    `It takes answers from: ${gateways.join(', ') || 'no gateway'}. Withdraw those that were withdrawn after the backup ` +
      `(blindsight gateway remove NAME --data ${folder}). Never run the old site beside it.`,
  );
}
