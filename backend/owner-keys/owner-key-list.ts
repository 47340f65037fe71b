import type { KeyObject } from 'node:crypto';
import { decodeOwnerKeys, MAX_OWNER_KEYS, type OwnerKeys, signOwnerKeys } from '#protocol/owner-keys.ts';
import type { Store } from '../store/store.ts';

/** Setting of the store: the newest list of owner keys, signed by the root, base64. */
const OWNER_KEYS = 'owner-keys';
/** A list counts as long as the certificates of a site; each new one begins anew. */
const VALID_MS = 5 * 365 * 86_400_000;

export type OwnerKeyList = { readonly wire: Uint8Array; readonly statement: OwnerKeys };

/** The newest list; null for a site without a root key. */
export async function ownerKeyList(store: Store): Promise<OwnerKeyList | null> {
  const text = await store.settings.get(OWNER_KEYS);
  if (text === null) return null;
  const wire = Uint8Array.from(Buffer.from(text, 'base64'));
  return { wire, statement: decodeOwnerKeys(wire).statement };
}

/**
 * Signs which keys the owner signs with from now on, and keeps that. Its version is above all before, and above what a restored site can have
 * forgotten: it is the time in seconds.
 *
 * @param keys newest first; the oldest beyond {@link MAX_OWNER_KEYS} fall off
 */
export async function keepOwnerKeyList(
  store: Store,
  site: string,
  keys: readonly Uint8Array[],
  rootKey: KeyObject,
  nowMs: number,
): Promise<OwnerKeyList> {
  const before = (await ownerKeyList(store))?.statement.version ?? 0;
  const statement: OwnerKeys = {
    schema: 1,
    site,
    version: Math.max(before + 1, Math.floor(nowMs / 1000)),
    createdMs: nowMs,
    expiresMs: nowMs + VALID_MS,
    keys: keys.slice(0, MAX_OWNER_KEYS),
  };
  const wire = signOwnerKeys(statement, rootKey);
  await store.settings.set(OWNER_KEYS, Buffer.from(wire).toString('base64'));
  return { wire, statement };
}
