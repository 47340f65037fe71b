import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { existsSync } from 'node:fs';
import { BlindsightError } from '#protocol/errors.ts';
import { publicKeyBytes, publicKeyOf } from '#protocol/public-key.ts';
import { signRootIntroduction } from '#protocol/root-introduction.ts';
import { readSecretFile, writeFileAtomic } from '#runtime/files.ts';
import type { Vault } from '../sealing/vault.ts';
import type { Store } from '../store/store.ts';
import { openOwnerKey } from './owner-key.ts';

/** Settings of the store: the public half, base64, and its introduction to gateways enrolled before it. */
const ROOT_KEY = 'root-key';
const INTRODUCTION = 'root-introduction';

/** In the folder of a new site, until its owner takes it away. */
export const ROOT_KEY_FILE = 'root.key';

/** Makes a root key in a file that only its owner may read (PKCS #8 PEM). The site keeps the public half alone. */
export async function makeRootKey(file: string): Promise<KeyObject> {
  const { privateKey } = generateKeyPairSync('ed25519');
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  await writeFileAtomic(file, pem, { mode: 0o600 });
  return privateKey;
}

/** Makes the public half of a root key that of the site. */
export async function keepRootKey(store: Store, rootKey: KeyObject): Promise<void> {
  const bytes = publicKeyBytes(createPublicKey(rootKey));
  await store.settings.set(ROOT_KEY, Buffer.from(bytes).toString('base64'));
}

/** Public half of the root key; null for a site that was made before there were any. */
export async function rootPublicKey(store: Store): Promise<KeyObject | null> {
  const text = await store.settings.get(ROOT_KEY);
  return text === null ? null : publicKeyOf(Buffer.from(text, 'base64'));
}

/**
 * The root's private key from the file that its owner keeps elsewhere.
 *
 * @throws BlindsightError ROOT_KEY_MISSING where the site has none, ROOT_KEY_INVALID for another key, FILE_UNREADABLE, SECRET_EXPOSED
 */
export async function readRootKey(store: Store, file: string): Promise<KeyObject> {
  const known = await rootPublicKey(store);
  if (known === null) throw new BlindsightError('ROOT_KEY_MISSING', 'this site has no root key');
  const pem = await readSecretFile(file);
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch (cause) {
    throw new BlindsightError('ROOT_KEY_INVALID', `${file} holds no private key in PEM form`, { cause });
  } finally {
    pem.fill(0);
  }
  if (!createPublicKey(key).equals(known))
    throw new BlindsightError('ROOT_KEY_INVALID', `${file} holds another key than the root of this site`);
  return key;
}

/** Lets gateways that were enrolled before there was a root key know it, by the word of the owner key that they know. */
export async function introduceRootKey(
  store: Store,
  vault: Vault,
  site: string,
  rootKey: KeyObject,
): Promise<void> {
  const introduction = { schema: 1, site, rootKey: publicKeyBytes(createPublicKey(rootKey)) } as const;
  const wire = signRootIntroduction(introduction, await openOwnerKey(store, vault));
  await store.settings.set(INTRODUCTION, Buffer.from(wire).toString('base64'));
}

/** Wire form of the introduction; null where every gateway knows the root key by its settings, or none does. */
export async function rootIntroduction(store: Store): Promise<Uint8Array | null> {
  const text = await store.settings.get(INTRODUCTION);
  return text === null ? null : Uint8Array.from(Buffer.from(text, 'base64'));
}

/** @throws BlindsightError OUTPUT_EXISTS */
export function checkFree(file: string): void {
  if (existsSync(file)) throw new BlindsightError('OUTPUT_EXISTS', `${file} exists already`);
}
