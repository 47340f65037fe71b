import { join } from 'node:path';
import { BlindsightError } from '#protocol/errors.ts';
import { STORE_FILE } from '../operations/initialize-site.ts';
import { readInstallationKey } from '../sealing/installation-key.ts';
import { Vault } from '../sealing/vault.ts';
import { SITE_NAME } from '../site.ts';
import { blobsInUse } from '../store/blobs-in-use.ts';
import { SCHEMA_VERSION } from '../store/migrations.ts';
import { openSqliteReadOnly } from '../store/sqlite.ts';
import { Store } from '../store/store.ts';
import { type BackupManifest, DUMP_FILE, describePart, readManifest } from './manifest.ts';

export type VerifyBackupOptions = {
  /** Installation key; without it nobody can say whether the sealed keys open. */
  readonly keyFile?: string;
  readonly onProgress?: (text: string, share: number) => void;
};

export type VerifiedBackup = {
  readonly manifest: BackupManifest;
  /** Secrets that were opened with the key; null if none was given, or if the store is not included. */
  readonly secrets: number | null;
  /** Also where the secrets are in a dump, which is not opened for this; null where none was given, or nothing says which one is right. */
  readonly isKeyRight: true | null;
  /** Answers in the store; null if the store is not included. */
  readonly answers: number | null;
};

/**
 * Checks a backup without writing: every part against its digest, the consistency of the store, that each bundle part it refers to is there, and,
 * given the installation key, that each secret opens.
 *
 * @throws BlindsightError BACKUP_INVALID, STORE_TOO_NEW, INSTALLATION_KEY_INVALID, SECRET_TAMPERED
 */
export async function verifyBackup(
  folder: string,
  options: VerifyBackupOptions = {},
): Promise<VerifiedBackup> {
  const manifest = await readManifest(folder);
  for (const [index, part] of manifest.parts.entries()) {
    options.onProgress?.('checking parts', index / manifest.parts.length);
    const found = await describePart(folder, part.path).catch(() => null);
    if (found === null) throw invalid(folder, `${part.path} is missing`);
    if (found.sha256 !== part.sha256) throw invalid(folder, `${part.path} was changed`);
  }
  if (manifest.store === 'postgresql') {
    const isKeyRight = await checkDatabase(folder, manifest, options.keyFile);
    return { manifest, secrets: null, answers: null, isKeyRight };
  }
  const file = join(folder, STORE_FILE);
  if (!manifest.parts.some(({ path }) => path === STORE_FILE)) throw invalid(folder, 'it has no store');
  const database = openSqliteReadOnly(file);
  const store = new Store(database);
  try {
    options.onProgress?.('checking the store', 0);
    const [check] = await database.all<{ integrity_check: string }>('PRAGMA integrity_check');
    if (check?.integrity_check !== 'ok') throw invalid(folder, `${STORE_FILE}: ${check?.integrity_check}`);
    const [schema] = await database.all<{ version: number }>('SELECT version FROM schema_version');
    if (schema !== undefined && schema.version > SCHEMA_VERSION) throw tooNew(file, schema.version);
    const name = await store.settings.get(SITE_NAME);
    if (name !== manifest.site) throw invalid(folder, `its store is of site ${name}, not ${manifest.site}`);
    await checkBundles(folder, manifest, store);
    const [row] = await database.all<{ count: number }>('SELECT COUNT(*) AS count FROM results');
    const secrets = options.keyFile === undefined ? null : await openAll(options.keyFile, store);
    return { manifest, secrets, answers: row?.count ?? 0, isKeyRight: secrets === null ? null : true };
  } finally {
    await store.close();
  }
}

/** What the manifest says about a dump: filling a database takes long, and can be done once. */
async function checkDatabase(
  folder: string,
  { database }: BackupManifest,
  keyFile: string | undefined,
): Promise<true | null> {
  if (database === undefined) return null;
  const { schema, keyCheck } = database;
  if (schema > SCHEMA_VERSION) throw tooNew(join(folder, DUMP_FILE), schema);
  if (keyFile === undefined) return null;
  new Vault(await readInstallationKey(keyFile, {})).recognize(Buffer.from(keyCheck, 'base64'));
  return true;
}

function tooNew(file: string, schema: number): BlindsightError {
  return new BlindsightError(
    'STORE_TOO_NEW',
    `${file} has schema ${schema}, this version of Blindsight knows at most ${SCHEMA_VERSION}`,
  );
}

async function checkBundles(folder: string, manifest: BackupManifest, store: Store): Promise<void> {
  const present = new Map(manifest.parts.map(({ path, sha256 }) => [path, sha256]));
  for (const sha256 of await blobsInUse(store)) {
    if (present.get(`bundles/${sha256}`) === sha256) continue;
    throw invalid(folder, `bundles/${sha256} is missing`);
  }
}

/** Opens every secret and forgets it immediately. @returns how many there are */
async function openAll(keyFile: string, store: Store): Promise<number> {
  const vault = new Vault(await readInstallationKey(keyFile, {}));
  await vault.verify(store);
  const identities = await store.secrets.identities();
  for (const identity of identities) (await vault.fetch(store, identity)).fill(0);
  return identities.length;
}

function invalid(folder: string, reason: string): BlindsightError {
  return new BlindsightError('BACKUP_INVALID', `${folder} is no whole backup: ${reason}`);
}
