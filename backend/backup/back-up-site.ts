import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, open, readdir, rename, rm, statfs } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import type { BackendConfig } from '#config/schema.ts';
import { BlindsightError } from '#protocol/errors.ts';
import { type Clock, systemClock } from '#runtime/clock.ts';
import { isDiskFull } from '#runtime/disk-full.ts';
import { ensureDirectory, readSecretFile, syncFolder, writeFileAtomic } from '#runtime/files.ts';
import { auditKey, CHECKPOINT_FILE, moveCheckpoint } from '../audit/checkpoint.ts';
import { STORE_FILE } from '../operations/initialize-site.ts';
import { ROOT_KEY_FILE } from '../owner-keys/root-key.ts';
import { readInstallationKey } from '../sealing/installation-key.ts';
import { Vault } from '../sealing/vault.ts';
import { blobFolder, type Site } from '../site.ts';
import { blobsInUse } from '../store/blobs-in-use.ts';
import { SCHEMA_VERSION } from '../store/migrations.ts';
import { copySqlite, openSqliteReadOnly } from '../store/sqlite.ts';
import { Store } from '../store/store.ts';
import { type BackupManifest, DUMP_FILE, describePart, MANIFEST_FILE } from './manifest.ts';
import { dumpPostgresql } from './postgresql-dump.ts';

export type BackUpSiteOptions = {
  readonly site: Site;
  readonly config: BackendConfig;
  /** Folder with the settings of the site. */
  readonly folder: string;
  /** Folder to make; must not exist. */
  readonly to: string;
  /** File to which the installation key is copied, apart from the backup; by default it is not copied. */
  readonly keyTo?: string;
  /** Whether a database in PostgreSQL is left to copies of its own. */
  readonly withoutDatabase?: boolean;
  readonly onProgress?: (text: string, share: number) => void;
  readonly clock?: Clock;
};

/** Folders of a site whose files are all in a backup. */
const FOLDERS = ['certificates'];
/** Whoever finds a backup must not find these in it. */
const KEYS_APART = ['installation.key', ROOT_KEY_FILE];

/**
 * Copies a site while its daemons run: a consistent snapshot of the store, and everything it refers to, each part checked. Bundle parts are named by
 * their digest and never change, so those copied after the store match it. The installation key is not included: whoever finds the backup must
 * not be able to open what it seals. The folder appears complete or not at all.
 *
 * @throws BlindsightError OUTPUT_EXISTS, BUNDLE_DAMAGED, DISK_FULL, DATABASE_COPY
 */
export async function backUpSite(options: BackUpSiteOptions): Promise<BackupManifest> {
  const to = resolve(options.to);
  const keyTo = options.keyTo === undefined ? null : resolve(options.keyTo);
  for (const path of [to, ...(keyTo === null ? [] : [keyTo])]) {
    if (existsSync(path)) throw new BlindsightError('OUTPUT_EXISTS', `${path} exists already`);
  }
  if (keyTo?.startsWith(to + sep)) {
    throw new BlindsightError('OUTPUT_EXISTS', `${keyTo} is inside the backup: keep the key apart from it`);
  }
  const temporary = join(dirname(to), `.${basename(to)}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    await mkdir(dirname(to), { recursive: true });
    await mkdir(temporary, { mode: 0o700 });
    const manifest = await fill(temporary, options);
    if (keyTo !== null) {
      const key = await readInstallationKey(options.config.installationKey);
      await writeFileAtomic(keyTo, key, { mode: 0o600 });
      key.fill(0);
    }
    await rename(temporary, to);
    await syncFolder(dirname(to));
    return manifest;
  } catch (error) {
    const isFull = !(error instanceof BlindsightError) && (await isAtItsEnd(dirname(to), error));
    await rm(temporary, { recursive: true, force: true });
    if (!isFull) throw error;
    throw new BlindsightError('DISK_FULL', `the disk of ${to} is full`, { cause: error });
  }
}

/** SQLite says only that input or output failed. */
async function isAtItsEnd(folder: string, error: unknown): Promise<boolean> {
  if (isDiskFull(error)) return true;
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize < 2 ** 20;
}

async function fill(temporary: string, options: BackUpSiteOptions): Promise<BackupManifest> {
  const { site, config, folder, onProgress = () => {}, clock = systemClock } = options;
  const createdTime = new Date(clock.now()).toISOString();
  const paths: string[] = [];
  // Before the database, so that this has all that was signed.
  const hasStore = config.store.kind === 'sqlite' || !options.withoutDatabase;
  if (hasStore && (await takeCheckpoint(site, temporary, clock.now()))) paths.push(CHECKPOINT_FILE);
  const { database, files } = await takeStore(temporary, options);
  paths.push(...files);
  const digests = await digestsOf(site, config, temporary);
  const blobs = blobFolder(temporary);
  for (const [index, digest] of digests.entries()) {
    onProgress('copying bundle parts', index / digests.length);
    await blobs.putFrom(site.blobs, digest);
    paths.push(join('bundles', digest));
  }
  for (const [path, source] of await settingsOf(folder, config)) {
    await ensureDirectory(dirname(join(temporary, path)));
    await copyFile(source, join(temporary, path));
    const file = await open(join(temporary, path), 'r+');
    await file.chmod(0o600);
    await file.sync();
    await file.close();
    await syncFolder(dirname(join(temporary, path)));
    paths.push(path);
  }
  const parts: BackupManifest['parts'] = [];
  for (const [index, path] of paths.entries()) {
    onProgress('checking what was copied', index / paths.length);
    parts.push(await describePart(temporary, path));
  }
  const manifest: BackupManifest = {
    format: 1,
    site: site.name,
    store: config.store.kind,
    createdTime,
    ...(database !== undefined && { database }),
    parts,
  };
  await writeFileAtomic(join(temporary, MANIFEST_FILE), `${JSON.stringify(manifest, null, 2)}\n`, {
    mode: 0o600,
  });
  return manifest;
}

/** Copies the store, where the backup is to hold it. */
async function takeStore(
  temporary: string,
  { site, config, withoutDatabase = false, onProgress = () => {} }: BackUpSiteOptions,
): Promise<{ readonly files: readonly string[]; readonly database?: BackupManifest['database'] }> {
  if (config.store.kind === 'sqlite') {
    const copy = join(temporary, STORE_FILE);
    await copySqlite(config.store.file, copy, (share) => onProgress('copying the store', share));
    return { files: [STORE_FILE] };
  }
  if (withoutDatabase) return { files: [] };
  onProgress('copying the database', 0);
  const url = Buffer.from(await readSecretFile(config.store.urlFile))
    .toString('utf8')
    .trim();
  const keyCheck = Buffer.from(await Vault.checkOf(site.store)).toString('base64');
  await dumpPostgresql(url, join(temporary, DUMP_FILE));
  return { files: [DUMP_FILE], database: { schema: SCHEMA_VERSION, keyCheck } };
}

/**
 * Takes along how far the audit log goes, as it is signed for this site, and not anew for the copy: of a log that was cut off the checkpoint is the proof.
 *
 * @returns false where there is none
 */
async function takeCheckpoint(site: Site, temporary: string, timeMs: number): Promise<boolean> {
  const key = await auditKey(site, timeMs);
  return site.store.audit.locked(async (audit) => {
    await moveCheckpoint(site, audit, key, timeMs);
    const file = join(site.dataDirectory, CHECKPOINT_FILE);
    if (!existsSync(file)) return false;
    await copyFile(file, join(temporary, CHECKPOINT_FILE));
    return true;
  });
}

/** Digests of the bundle parts and archives that the copied store refers to, so that the two match. */
async function digestsOf(site: Site, config: BackendConfig, temporary: string): Promise<string[]> {
  const store =
    config.store.kind === 'sqlite' ? new Store(openSqliteReadOnly(join(temporary, STORE_FILE))) : site.store;
  try {
    return [...(await blobsInUse(store))];
  } finally {
    if (store !== site.store) await store.close();
  }
}

/**
 * Files at the top of the folder and in {@link FOLDERS}, and those that lie apart for the broker; but for the store, the installation key,
 * a root key that was not taken away, locks and what is hidden.
 *
 * @returns where each is, by its path in the backup
 */
async function settingsOf(folder: string, config: BackendConfig): Promise<Map<string, string>> {
  const key = relative(folder, config.installationKey);
  const store = config.store.kind === 'sqlite' ? relative(folder, config.store.file) : null;
  const isLeft = (path: string) =>
    path === key ||
    path === CHECKPOINT_FILE ||
    /\.(lock|tmp)(\.|$)|^\./.test(path) ||
    (store !== null && path.startsWith(store));
  const found = new Map<string, string>();
  for (const where of [folder, config.brokerFolder ?? folder]) {
    for (const below of ['', ...FOLDERS]) {
      const entries = existsSync(join(where, below))
        ? await readdir(join(where, below), { withFileTypes: true })
        : [];
      for (const entry of entries) {
        const path = join(below, entry.name);
        if (entry.isFile() && !isLeft(path) && !KEYS_APART.includes(path)) found.set(path, join(where, path));
      }
    }
  }
  return new Map([...found].sort());
}
