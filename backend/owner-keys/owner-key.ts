import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { SECRETS } from '../sealing/identities.ts';
import type { Vault } from '../sealing/vault.ts';
import type { Store } from '../store/store.ts';

/**
 * The owner's Ed25519 private key that signs now.
 *
 * @throws BlindsightError SECRET_MISSING, SECRET_TAMPERED.
 */
export async function openOwnerKey(store: Store, vault: Vault): Promise<KeyObject> {
  const pem = await vault.fetch(store, SECRETS.ownerSigningKey);
  const key = createPrivateKey(Buffer.from(pem));
  pem.fill(0);
  return key;
}

/** Makes another owner key and puts it, sealed, in the place of the one before, which nobody can sign with then. @returns its public half. */
export async function replaceOwnerKey(store: Store, vault: Vault, nowMs: number): Promise<KeyObject> {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  await vault.replace(store, SECRETS.ownerSigningKey, Buffer.from(pem), nowMs);
  return publicKey;
}
