import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { encodeCanonical } from '#protocol/cbor.ts';
import { writeFileAtomic } from '#runtime/files.ts';
import { SECRETS } from '../sealing/identities.ts';
import type { Site } from '../site.ts';
import { type AuditHead, type AuditStore, NO_HEAD } from '../store/audit.ts';
import type { Store } from '../store/store.ts';

/** Beside the data of the site, not in its database. */
export const CHECKPOINT_FILE = 'audit-checkpoint.json';
const DOMAIN = 'blindsight-audit-checkpoint-1';

const Form = z.strictObject({
  site: z.string(),
  /** 0 before the first entry. */
  seq: z.number().int().nonnegative(),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  time: z.string(),
  signature: z.string(),
});

/** How far the audit log went, signed. */
export type Checkpoint = { readonly seq: number; readonly hash: string; readonly time: string };

/** What the audit log needs of a site. */
export type Anchored = Pick<Site, 'name' | 'store' | 'vault' | 'dataDirectory'>;

function signedBytes(site: string, { seq, hash, time }: Checkpoint): Uint8Array {
  return encodeCanonical([DOMAIN, site, seq, hash, time]);
}

/**
 * The key that signs checkpoints; made before the first entry, together with a checkpoint that says so. If it is gone although there are entries, none is made:
 * whoever cut the log would have it signed anew.
 *
 * @returns null where it is missing
 */
export async function auditKey(site: Anchored, timeMs: number): Promise<KeyObject | null> {
  const { store, vault } = site;
  if ((await store.secrets.get(SECRETS.auditKey)) === null) {
    await store.transaction(async (inside) => {
      const isEmpty = (await inside.audit.head()).seq === 0;
      if (!isEmpty || (await inside.secrets.get(SECRETS.auditKey)) !== null) return;
      const key = await makeAuditKey(inside, vault, timeMs);
      await writeCheckpoint(site, key, NO_HEAD, timeMs);
    });
  }
  if ((await store.secrets.get(SECRETS.auditKey)) === null) return null;
  const pem = await vault.fetch(store, SECRETS.auditKey);
  const key = createPrivateKey(Buffer.from(pem));
  pem.fill(0);
  return key;
}

/** Makes the key and keeps it in the store. */
export async function makeAuditKey(store: Store, vault: Site['vault'], timeMs: number): Promise<KeyObject> {
  const { privateKey } = generateKeyPairSync('ed25519');
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }) as string;
  await vault.keep(store, SECRETS.auditKey, Buffer.from(pem), timeMs);
  return privateKey;
}

export type CheckpointState =
  | { readonly kind: 'signed'; readonly checkpoint: Checkpoint }
  | { readonly kind: 'missing' }
  | { readonly kind: 'forged' };

/** Reads the checkpoint of a site. */
export async function readCheckpoint(
  { name: site, dataDirectory }: Pick<Anchored, 'name' | 'dataDirectory'>,
  key: KeyObject | null,
): Promise<CheckpointState> {
  const file = join(dataDirectory, CHECKPOINT_FILE);
  if (!existsSync(file)) return { kind: 'missing' };
  try {
    const { signature, ...checkpoint } = Form.parse(JSON.parse(await readFile(file, 'utf8')));
    const bytes = signedBytes(site, checkpoint);
    const isSigned =
      key !== null && verify(null, bytes, createPublicKey(key), Buffer.from(signature, 'base64'));
    return isSigned && checkpoint.site === site ? { kind: 'signed', checkpoint } : { kind: 'forged' };
  } catch {
    return { kind: 'forged' };
  }
}

export async function writeCheckpoint(
  { name: site, dataDirectory }: Pick<Anchored, 'name' | 'dataDirectory'>,
  key: KeyObject,
  { seq, hash }: AuditHead,
  timeMs: number,
): Promise<void> {
  const time = new Date(timeMs).toISOString();
  const checkpoint = { seq, hash: Buffer.from(hash).toString('hex'), time };
  const signature = sign(null, signedBytes(site, checkpoint), key).toString('base64');
  const text = `${JSON.stringify({ site, ...checkpoint, signature }, null, 2)}\n`;
  await writeFileAtomic(join(dataDirectory, CHECKPOINT_FILE), text, { mode: 0o600 });
}

/**
 * Moves the checkpoint on to where the log ends, if what was signed before still is in it. Otherwise it stays as it is: it is the proof.
 *
 * @returns why not; null if it was moved
 */
export async function moveCheckpoint(
  site: Anchored,
  audit: AuditStore,
  key: KeyObject | null,
  timeMs: number,
): Promise<string | null> {
  if (key === null) return 'the key that signs its checkpoints is missing';
  const state = await readCheckpoint(site, key);
  if (state.kind === 'missing') return `${CHECKPOINT_FILE} is missing`;
  if (state.kind === 'forged') return `${CHECKPOINT_FILE} was not signed by this site`;
  const { seq, hash } = state.checkpoint;
  const found = seq === 0 ? NO_HEAD.hash : await audit.hashOf(seq);
  if (found === null || Buffer.from(found).toString('hex') !== hash)
    return `entry ${seq} is not the one that was signed`;
  const head = await audit.head();
  if (seq < head.seq) await writeCheckpoint(site, key, head, timeMs);
  return null;
}
