import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { copyFile, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { parseDocument } from 'yaml';
import { loadConfig } from '#config/load.ts';
import { BackendConfig } from '#config/schema.ts';
import { BlindsightError } from '#protocol/errors.ts';
import { type Clock, systemClock } from '#runtime/clock.ts';
import { isDiskFull } from '#runtime/disk-full.ts';
import { ensureDirectory, readSecretFile, syncFolder, writeFileAtomic } from '#runtime/files.ts';
import { acceptAudit } from '../audit/accept-audit.ts';
import { renumberAuditor } from '../auditor/auditor-key.ts';
import { repeatConfigurations } from '../configuration/push-configuration.ts';
import {
  BROKER_CERTIFICATE_FILE,
  BROKER_KEY_FILE,
  brokerHosts,
  readBrokerCertificate,
} from '../enrolment/broker-certificate.ts';
import { openAuthority } from '../enrolment/open-authority.ts';
import { writeRevocations } from '../enrolment/write-revocations.ts';
import { repeatDeployments } from '../operations/deploy-model.ts';
import { CERTIFICATE_DAYS, POSTGRESQL_URL_FILE, STORE_FILE } from '../operations/initialize-site.ts';
import { endRollout } from '../rollout/end-rollout.ts';
import { readInstallationKey } from '../sealing/installation-key.ts';
import { BACKEND_SESSION, openSite, type Site } from '../site.ts';
import { repeatSoftware } from '../software/release-software.ts';
import { TRIED_MS } from '../store/deliveries.ts';
import { openPostgresql } from '../store/postgresql.ts';
import { type BackupManifest, DUMP_FILE } from './manifest.ts';
import { restorePostgresql } from './postgresql-dump.ts';
import { verifyBackup } from './verify-backup.ts';

export type RestoreSiteOptions = {
  readonly from: string;
  /** Folder to make; may exist empty. */
  readonly to: string;
  readonly keyFile: string;
  /** For a site in PostgreSQL: a file with the URL of the database, which is empty; or was restored before, where the backup does not hold it. */
  readonly postgresqlUrlFile?: string;
  readonly onProgress?: (text: string, share: number) => void;
  readonly clock?: Clock;
};

export type RestoredSite = {
  readonly manifest: BackupManifest;
  /** Gateways that this site takes answers from. */
  readonly gateways: readonly string[];
  /** Releases that could not be repeated, and why. */
  readonly notReleased: readonly string[];
};

/**
 * Makes a site of a backup. Numbers that only grow are raised to the seconds of the wall clock: since the backup gateways may have seen higher
 * ones, and would refuse what is not above. For the same reason what each gateway should run, network and settings, is sent to it anew.
 * Places in the sequences of gateways stay as they were, so that answers that still wait at gateways are taken; what was decrypted after the backup
 * and is sent again is the same ciphertext at the same place, and gives the same answer.
 *
 * @throws BlindsightError BACKUP_INVALID, OUTPUT_EXISTS, INSTALLATION_KEY_INVALID, DATABASE_COPY, and what opening the store throws
 */
export async function restoreSite(options: RestoreSiteOptions): Promise<RestoredSite> {
  const { from, keyFile, clock = systemClock, onProgress } = options;
  const to = resolve(options.to);
  if (existsSync(to) && readdirSync(to).length > 0) {
    throw new BlindsightError('OUTPUT_EXISTS', `${to} is not empty`);
  }
  const { manifest } = await verifyBackup(from, { keyFile, ...(onProgress && { onProgress }) });
  if (manifest.store === 'postgresql' && options.postgresqlUrlFile === undefined) {
    throw new BlindsightError(
      'BACKUP_INVALID',
      hasDatabase(manifest)
        ? 'the store of this site is in PostgreSQL: name an empty database for it with --postgresql'
        : 'the store of this site is in PostgreSQL: restore that with pg_restore first, and name the database with --postgresql',
    );
  }
  if (manifest.store === 'sqlite' && options.postgresqlUrlFile !== undefined) {
    throw new BlindsightError(
      'BACKUP_INVALID',
      'the store of this site is SQLite, and stays so: leave --postgresql out',
    );
  }
  await ensureDirectory(dirname(to));
  let isFilled = false;
  const temporary = join(dirname(to), `.${basename(to)}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    await mkdir(temporary, { mode: 0o700 });
    for (const [index, { path }] of manifest.parts.entries()) {
      onProgress?.('copying', index / manifest.parts.length);
      if (path !== DUMP_FILE) await copyPart(join(from, path), join(temporary, path), path);
    }
    const key = await readInstallationKey(keyFile, {});
    await writeFileAtomic(join(temporary, 'installation.key'), key, { mode: 0o600 });
    key.fill(0);
    const url =
      options.postgresqlUrlFile === undefined ? null : await readSecretFile(options.postgresqlUrlFile);
    if (url !== null) await writeFileAtomic(join(temporary, POSTGRESQL_URL_FILE), url, { mode: 0o600 });
    const configFile = await writeSettings(temporary, manifest.store);
    const config = await loadConfig(configFile, BackendConfig);
    if (url !== null && hasDatabase(manifest)) {
      onProgress?.('restoring the database', 0);
      await fillDatabase(Buffer.from(url).toString('utf8').trim(), from);
      isFilled = true;
    }
    const site = await openSite(config);
    const outcome = await issueBrokerKey(site)
      .then(() => goOn(site, config, manifest, clock))
      .finally(() => site.close());
    await rename(temporary, to);
    await syncFolder(dirname(to));
    return { manifest, ...outcome };
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    const named = isDiskFull(error)
      ? new BlindsightError('DISK_FULL', `the disk of ${to} is full`, { cause: error })
      : error;
    throw isFilled ? afterFilling(named) : named;
  }
}

/** Says what has to be done before another attempt. */
function afterFilling(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const text = `${error.message}. The database that --postgresql names is filled by now: make it anew, empty, before you try again`;
  return error instanceof BlindsightError
    ? new BlindsightError(error.code, text, { cause: error })
    : new Error(text, { cause: error });
}

function hasDatabase({ parts }: BackupManifest): boolean {
  return parts.some(({ path }) => path === DUMP_FILE);
}

/** @throws BlindsightError OUTPUT_EXISTS where there is something in the database */
async function fillDatabase(url: string, from: string): Promise<void> {
  const database = await openPostgresql(url);
  try {
    // Not those of its own, which are named pg_…, and not what an extension brought.
    const [table] = await database.all<{ name: string }>(
      `SELECT n.nspname || '.' || c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p', 'f') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
          AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
        ORDER BY 1 LIMIT 1`,
    );
    if (table !== undefined)
      throw new BlindsightError(
        'OUTPUT_EXISTS',
        `the database that --postgresql names is not empty: it has the table ${table.name}`,
      );
  } finally {
    await database.close();
  }
  await restorePostgresql(url, join(from, DUMP_FILE));
}

/** What others than the daemons may read; the rest is a secret, or nobody's business. */
const PUBLIC = /\.(pem|crl)$|^revoked-gateways$/;

async function copyPart(from: string, to: string, path: string): Promise<void> {
  await ensureDirectory(dirname(to));
  await copyFile(from, to);
  const file = await open(to, 'r+');
  await file.chmod(PUBLIC.test(path) ? 0o644 : 0o600);
  await file.sync();
  await file.close();
}

/** The settings as they were; but for what lies in the folder now, wherever it was before. */
async function writeSettings(folder: string, store: BackupManifest['store']): Promise<string> {
  const file = join(folder, 'backend.yaml');
  const settings = parseDocument(await readFile(file, 'utf8'));
  settings.set('data', '.');
  settings.delete('brokerFolder');
  settings.set('installationKey', 'installation.key');
  settings.set(
    'store',
    store === 'sqlite'
      ? { kind: 'sqlite', file: STORE_FILE }
      : { kind: 'postgresql', urlFile: POSTGRESQL_URL_FILE },
  );
  await writeFileAtomic(file, settings.toString(), { mode: 0o600 });
  const brokerFile = join(folder, 'broker.yaml');
  if (existsSync(brokerFile)) {
    const broker = parseDocument(await readFile(brokerFile, 'utf8'));
    broker.set('data', 'broker');
    broker.set('key', BROKER_KEY_FILE);
    await writeFileAtomic(brokerFile, broker.toString(), { mode: 0o600 });
  }
  return file;
}

/**
 * The key of an installed site's broker is readable by that broker only, and so in no backup. Another one does as well: clients know the broker by
 * its authority and its name.
 */
async function issueBrokerKey({ brokerDirectory, store, vault }: Site): Promise<void> {
  const certificateFile = join(brokerDirectory, BROKER_CERTIFICATE_FILE);
  const keyFile = join(brokerDirectory, BROKER_KEY_FILE);
  if (existsSync(keyFile) || !existsSync(certificateFile)) return;
  const subjectAltNames = brokerHosts(await readBrokerCertificate(brokerDirectory));
  const authority = await openAuthority(store, vault);
  const issued = await authority.issue({
    kind: 'broker',
    commonName: 'broker',
    subjectAltNames,
    days: CERTIFICATE_DAYS,
  });
  await writeFileAtomic(keyFile, issued.key, { mode: 0o600 });
  await writeFileAtomic(certificateFile, issued.certificate);
}

/** Brings a store of before to where gateways go on with it. */
async function goOn(
  site: Site,
  config: BackendConfig,
  manifest: BackupManifest,
  clock: Clock,
): Promise<Omit<RestoredSite, 'manifest'>> {
  const { store } = site;
  const seconds = Math.floor(clock.now() / 1000);
  await store.transaction(async (inside) => {
    // What they did since the backup is unknown here.
    for (const rollout of await inside.rollouts.open())
      await endRollout(inside, rollout, 'aborted', 'the site was restored from a backup', clock.now());
    await inside.gateways.raiseCounters(seconds);
    await renumberAuditor(inside, seconds);
    await inside.challenges.forgetAllWaiting();
    const session = Number((await inside.settings.get(BACKEND_SESSION)) ?? '0');
    await inside.settings.set(BACKEND_SESSION, String(Math.max(session, seconds)));
    // Most of what waited then was delivered since; what is as old as this would have been given up.
    const late = await inside.deliveries.giveUpBefore(
      clock.now() - TRIED_MS,
      'the site was restored',
      clock.now(),
    );
    // Somebody may have logged out, or been shut out, since.
    await inside.sessions.removeAll();
    await inside.journal.add({
      timeMs: clock.now(),
      level: 'warn',
      code: 'SITE_RESTORED',
      subject: site.name,
      message: `restored from a backup of ${manifest.createdTime}; what happened since then is unknown here${late === 0 ? '' : `; alerts that waited then and are too old to be delivered: ${late}`}`,
    });
  });
  // Restored by its own means, and to another moment than the folder: the log is signed as it came. One that is in the backup has to go as far as the checkpoint there.
  if (config.store.kind === 'postgresql' && !hasDatabase(manifest)) await acceptAudit(site, clock);
  const maxMessageBytes = config.broker.maxMessageKilobytes * 1024;
  const notReleased = await repeatDeployments({ site, maxMessageBytes, clock });
  await repeatConfigurations(site, clock);
  notReleased.push(...(await repeatSoftware(site, clock)));
  await writeRevocations(site, clock.now());
  return { gateways: (await store.gateways.list()).map(({ name }) => name), notReleased };
}
