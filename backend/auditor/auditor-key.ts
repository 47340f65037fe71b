import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { BlindsightError } from '#protocol/errors.ts';
import { publicKeyBytes } from '#protocol/public-key.ts';
import { SECRETS } from '../sealing/identities.ts';
import type { Vault } from '../sealing/vault.ts';
import type { Store } from '../store/store.ts';

/** To whom gateways seal their openings. */
export type AuditorIdentity = {
  /** Strictly increasing with each new key. */
  readonly number: number;
  /** X25519 public key, 32 bytes. */
  readonly key: Uint8Array;
  /** Whose it is: {@link OWN}, or the name of the token that a process of its own came with. */
  readonly by: string;
  /** Since when, milliseconds since the epoch. */
  readonly sinceMs: number;
};

/** The backend's own thread; no name of a token. */
export const OWN = '';

/** Setting of the store: an {@link AuditorIdentity} as JSON, its key in base64url; empty while there is none. */
const AUDITOR = 'auditor';
/** Setting of the store that numbers the keys. */
const AUDITOR_NUMBER = 'auditor-number';

/** @returns null before there was an auditor. */
export async function auditorIdentity(store: Store): Promise<AuditorIdentity | null> {
  const text = await store.settings.get(AUDITOR);
  if (text === null || text === '') return null;
  const { key, ...rest } = JSON.parse(text) as Omit<AuditorIdentity, 'key'> & { readonly key: string };
  return { ...rest, key: new Uint8Array(Buffer.from(key, 'base64url')) };
}

/**
 * Makes a key the one that openings are sealed to, with the next number.
 *
 * @param by {@link OWN}, or the name of a token, under which there is one key for good
 * @throws BlindsightError AUDITOR_KEY_CHANGED where there was another one under this token
 */
export async function setAuditor(store: Store, key: Uint8Array, by: string, nowMs: number): Promise<void> {
  await store.transaction(async (inside) => {
    const before = await auditorIdentity(inside);
    if (before !== null && before.by === by) {
      if (Buffer.compare(before.key, key) === 0) return;
      if (by !== OWN)
        throw new BlindsightError(
          'AUDITOR_KEY_CHANGED',
          `the auditor ${by} came with another key than before`,
        );
    }
    const number = await inside.settings.next(AUDITOR_NUMBER);
    await keep(inside, { number, key, by, sinceMs: nowMs });
  });
}

/** After a restore: gateways may have seen later numbers, and take none that is not above them. */
export async function renumberAuditor(inside: Store, lowest: number): Promise<void> {
  const number = Math.max(Number((await inside.settings.get(AUDITOR_NUMBER)) ?? '0'), lowest);
  await inside.settings.set(AUDITOR_NUMBER, String(number));
  const auditor = await auditorIdentity(inside);
  if (auditor !== null) await keep(inside, { ...auditor, number });
}

function keep(inside: Store, auditor: AuditorIdentity): Promise<void> {
  const text = JSON.stringify({ ...auditor, key: Buffer.from(auditor.key).toString('base64url') });
  return inside.settings.set(AUDITOR, text);
}

/** The auditor is a process of its own: the backend forgets the key with which it could open openings itself. */
export async function forgetOwnAuditor(store: Store): Promise<void> {
  await store.transaction(async (inside) => {
    await inside.secrets.remove(SECRETS.auditorKey);
    // Nobody is asked anything before there is somebody to seal to.
    if ((await auditorIdentity(inside))?.by === OWN) await inside.settings.set(AUDITOR, '');
  });
}

/** Makes the key of the backend's own auditor the one that openings are sealed to; the first time, makes it. */
export async function openOwnAuditor(store: Store, vault: Vault, nowMs: number): Promise<void> {
  if ((await store.secrets.get(SECRETS.auditorKey)) === null) {
    const { privateKey } = generateKeyPairSync('x25519');
    await vault.keep(
      store,
      SECRETS.auditorKey,
      privateKey.export({ format: 'der', type: 'pkcs8' }) as Uint8Array,
      nowMs,
    );
  }
  const der = await vault.fetch(store, SECRETS.auditorKey);
  const key = createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' });
  der.fill(0);
  await setAuditor(store, publicKeyBytes(createPublicKey(key)), OWN, nowMs);
}
