import { chmodSync, existsSync, lchownSync, lstatSync } from 'node:fs';
import { cp, lstat, mkdir, readdir, readFile, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { parseDocument } from 'yaml';
import { BlindsightError } from '#protocol/errors.ts';
import { lockData } from '#runtime/data-lock.ts';
import { syncFolder, writeFileAtomic } from '#runtime/files.ts';
import { BROKER_CERTIFICATE_FILE, BROKER_KEY_FILE } from '../enrolment/broker-certificate.ts';
import { REVOCATION_LIST_FILE, REVOKED_FILE } from '../enrolment/write-revocations.ts';
import { BROKER_CREDENTIAL, type Places } from './places.ts';

/** Numbers of a user and its group. */
export type Owner = { readonly uid: number; readonly gid: number };

export type AdoptSiteOptions = {
  /** Folder of a site whose daemons do not run: fresh, restored, or of an earlier version, where one user had all of it. */
  readonly from: string;
  readonly places: Places;
  readonly backend: Owner;
  readonly broker: Owner;
  /** Owner of the keys; another than root in tests only. */
  readonly root?: Owner;
};

const CA_FILE = join('certificates', 'ca.pem');
const ROOT: Owner = { uid: 0, gid: 0 };

/**
 * Makes the folder of a site, which holds everything, the site of this machine, where backend and broker are two users: the two keys that only
 * systemd hands out go to root, what the broker needs to its own two folders, and all else to the backend. Each step is repeated by the
 * next run where this one is cut short, and `backend.yaml` comes last. A site that lies in its place already is only put in order.
 *
 * @throws BlindsightError SITE_MISSING, SITE_EXISTS where this machine has another one, DATA_IN_USE where a daemon runs on it,
 *   FILE_UNREADABLE where a link lies in the place of a file
 */
export async function adoptSite(options: AdoptSiteOptions): Promise<void> {
  const { places, backend, broker, root = ROOT } = options;
  const from = resolve(options.from);
  const settings = join(from, 'backend.yaml');
  if (!existsSync(settings)) throw new BlindsightError('SITE_MISSING', `${from} does not hold a site`);
  if (from !== places.backend && existsSync(join(places.backend, 'backend.yaml')))
    throw new BlindsightError('SITE_EXISTS', `${places.backend} already holds a site`);
  const unlock = [lockData(from, 'backend'), lockData(from, 'broker')];
  try {
    await makeFolder(places.settings, 0o755, root);
    await makeFolder(places.backend, 0o700, backend);
    await makeFolder(places.broker, 0o700, broker);
    const shared = { uid: backend.uid, gid: broker.gid };
    for (const folder of [places.forBroker, join(places.forBroker, 'certificates')])
      await makeFolder(folder, 0o2750, shared);
    await giveKey(join(from, 'installation.key'), join(places.settings, 'installation.key'), root);
    await giveKey(join(from, BROKER_KEY_FILE), join(places.settings, 'broker.key'), root);
    await giveBrokerFiles(from, places.forBroker, shared, places.broker);
    await moveEntries(join(from, 'broker'), places.broker, broker);
    await rewrite(settings, 0o600, (document) => {
      document.set('data', '.');
      document.set('installationKey', join(places.settings, 'installation.key'));
      document.set('brokerFolder', places.forBroker);
    });
  } finally {
    for (const release of unlock) release();
  }
  await moveEntries(from, places.backend, backend, 'backend.yaml');
}

async function makeFolder(path: string, mode: number, owner: Owner): Promise<void> {
  if (!existsSync(path)) {
    await mkdir(path, { mode: 0o700 });
    await syncFolder(dirname(path));
  }
  refuseLink(path);
  lchownSync(path, owner.uid, owner.gid);
  // After the owner, whose change drops the group's bit.
  chmodSync(path, mode);
}

/** Root reads and writes where other users may write: a link that one of them laid would lead it elsewhere. */
function refuseLink(path: string): void {
  if (!lstatSync(path).isSymbolicLink()) return;
  throw new BlindsightError('FILE_UNREADABLE', `${path} is a symbolic link, where a site has none`);
}

async function readOwn(path: string): Promise<Buffer> {
  refuseLink(dirname(path));
  refuseLink(path);
  return readFile(path);
}

/** Moves a key; another one that is there already keeps a name of its own: whatever it sealed may still be somewhere. */
async function giveKey(from: string, to: string, owner: Owner): Promise<void> {
  if (!existsSync(from)) return;
  const key = await readOwn(from);
  if (existsSync(to) && !(await readFile(to)).equals(key)) {
    let kept = 1;
    while (existsSync(`${to}.${kept}`)) kept++;
    await rename(to, `${to}.${kept}`);
  }
  await writeFileAtomic(to, key, { mode: 0o600 });
  lchownSync(to, owner.uid, owner.gid);
  await rm(from);
  await syncFolder(dirname(from));
}

async function giveBrokerFiles(
  from: string,
  to: string,
  owner: Owner,
  retainedMessages: string,
): Promise<void> {
  const give = async (path: string, mode: number, bytes: Uint8Array | string) => {
    await writeFileAtomic(join(to, path), bytes, { mode });
    lchownSync(join(to, path), owner.uid, owner.gid);
  };
  const ca = join(from, CA_FILE);
  if (existsSync(ca)) await give(CA_FILE, 0o644, await readOwn(ca));
  for (const path of [BROKER_CERTIFICATE_FILE, REVOCATION_LIST_FILE, REVOKED_FILE]) {
    if (!existsSync(join(from, path))) continue;
    await give(path, 0o644, await readOwn(join(from, path)));
    await rm(join(from, path));
  }
  const settings = join(from, 'broker.yaml');
  if (!existsSync(settings)) return;
  const document = parseDocument(String(await readOwn(settings)));
  document.set('data', retainedMessages);
  document.set('key', BROKER_CREDENTIAL);
  await give('broker.yaml', 0o640, document.toString());
  await rm(settings);
}

async function rewrite(
  file: string,
  mode: number,
  change: (document: ReturnType<typeof parseDocument>) => void,
): Promise<void> {
  const document = parseDocument(String(await readOwn(file)));
  change(document);
  await writeFileAtomic(file, document.toString(), { mode });
}

/** Moves what is in a folder and gives it to its owner, `last` at the end; nothing where there is no such folder. */
async function moveEntries(from: string, to: string, owner: Owner, last?: string): Promise<void> {
  if (!existsSync(from)) return;
  const names = (await readdir(from)).filter((name) => name !== last);
  for (const name of last === undefined ? names : [...names, last]) {
    await own(join(from, name), owner);
    if (from !== to) await move(join(from, name), join(to, name));
  }
  if (from === to) return;
  await syncFolder(to);
  await rmdir(from);
}

/** Also onto another disk, where it appears complete or not at all. */
async function move(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
    const draft = join(dirname(to), '.adopted.tmp');
    await rm(draft, { recursive: true, force: true });
    await cp(from, draft, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
    const { uid, gid } = await lstat(from);
    await own(draft, { uid, gid });
    await rename(draft, to);
    await rm(from, { recursive: true });
  }
}

/** Symbolic links are not followed: whoever wrote the folder must not give away what is elsewhere. */
async function own(path: string, owner: Owner): Promise<void> {
  lchownSync(path, owner.uid, owner.gid);
  if (!(await lstat(path)).isDirectory()) return;
  for (const name of await readdir(path)) await own(join(path, name), owner);
}
