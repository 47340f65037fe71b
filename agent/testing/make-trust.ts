import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { type OwnerKeys, signOwnerKeys } from '#protocol/owner-keys.ts';
import { publicKeyBytes } from '#protocol/public-key.ts';
import { signRootIntroduction } from '#protocol/root-introduction.ts';
import { signTimestamp, type Timestamp } from '#protocol/timestamp.ts';
import { encodeTrust } from '#protocol/trust-message.ts';

const DAY_MS = 86_400_000;

/** Keys of a site as its owner has them. */
export type TestKeys = { readonly root: KeyObject; readonly owner: KeyObject };

export function makeKeys(): TestKeys {
  return { root: privateKey(), owner: privateKey() };
}

/** An Ed25519 private key. */
export function privateKey(): KeyObject {
  return generateKeyPairSync('ed25519').privateKey;
}

export type TrustChanges = {
  readonly timestamp?: Partial<Timestamp>;
  /** Null: without a list. */
  readonly list?: Partial<OwnerKeys> | null;
  /** Owner keys on the list; that of `keys` alone where left out. */
  readonly owners?: readonly KeyObject[];
  /** The root key is introduced, by this owner key. */
  readonly introducedBy?: KeyObject;
  /** Signs the timestamp. */
  readonly signer?: KeyObject;
};

/** A message on `trust` for gate-1 of town, signed at `nowMs`. */
export function makeTrust(keys: TestKeys, nowMs: number, changes: TrustChanges = {}): Uint8Array {
  const { list = {}, owners = [keys.owner], introducedBy, signer = owners[0]! } = changes;
  const statement: OwnerKeys | null = list && {
    schema: 1,
    site: 'town',
    version: 1,
    createdMs: nowMs,
    expiresMs: nowMs + 1000 * DAY_MS,
    keys: owners.map((key) => publicKeyBytes(createPublicKey(key))),
    ...list,
  };
  const timestamp: Timestamp = {
    schema: 1,
    site: 'town',
    gateway: 'gate-1',
    number: 1,
    timeMs: nowMs,
    expiresMs: nowMs + 3 * DAY_MS,
    release: 0,
    configuration: 0,
    software: 0,
    ownerKeys: statement?.version ?? 0,
    ...changes.timestamp,
  };
  const rootKey = publicKeyBytes(createPublicKey(keys.root));
  return encodeTrust({
    introduction:
      introducedBy === undefined
        ? null
        : signRootIntroduction({ schema: 1, site: 'town', rootKey }, introducedBy),
    ownerKeys: statement && signOwnerKeys(statement, keys.root),
    timestamp: signTimestamp(timestamp, signer),
  });
}
