import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import { Name } from './names.ts';
import { PUBLIC_KEY_BYTES } from './public-key.ts';
import { decodeSigned, encodeSigned, type Signed, type SignedKind, verifySigned } from './signed.ts';

/**
 * Which keys the owner of a site signs with, signed by the root key, which is kept off every machine of the site. On the wire as every signed
 * value; the signature covers "blindsight owner keys 1", a zero byte and the payload.
 */
export type OwnerKeys = {
  readonly schema: 1;
  readonly site: string;
  /** Strictly increasing: an older list never counts again. */
  readonly version: number;
  readonly createdMs: number;
  /** From then on nothing new is accepted under this list; what runs goes on. */
  readonly expiresMs: number;
  /** Ed25519 public keys, 32 bytes each: each is as good as the others, and no other key signs for the site. */
  readonly keys: readonly Uint8Array[];
};

/** A decoded list, with the bytes that its signature covers. */
export type DecodedOwnerKeys = Signed & { readonly statement: OwnerKeys };

/** Keys that may be valid at once. */
export const MAX_OWNER_KEYS = 16;
export const OWNER_KEYS_MAX_BYTES = 2048;

const KeyBytes = z
  .instanceof(Uint8Array)
  .refine((bytes) => bytes.length === PUBLIC_KEY_BYTES, `${PUBLIC_KEY_BYTES} bytes`);

const KIND: SignedKind<OwnerKeys> = {
  code: 'TRUST_INVALID',
  noun: 'list of owner keys',
  domain: 'blindsight owner keys 1',
  schema: z.strictObject({
    schema: z.literal(1),
    site: Name,
    version: z.number().int().positive(),
    createdMs: z.number().int().nonnegative(),
    expiresMs: z.number().int().positive(),
    keys: z.array(KeyBytes).min(1).max(MAX_OWNER_KEYS),
  }),
};

/**
 * Signs a list with the root's Ed25519 private key and returns its wire form.
 * @throws BlindsightError TRUST_INVALID if a field is out of its range.
 */
export function signOwnerKeys(statement: OwnerKeys, rootKey: KeyObject): Uint8Array {
  return encodeSigned(KIND, statement, rootKey);
}

/**
 * Strict inverse of {@link signOwnerKeys}; the signature is *not* checked here.
 * @throws BlindsightError TRUST_INVALID, and nothing else, for any other bytes.
 */
export function decodeOwnerKeys(bytes: Uint8Array): DecodedOwnerKeys {
  const { value, payload, signature } = decodeSigned(KIND, bytes, OWNER_KEYS_MAX_BYTES);
  return { statement: value, payload, signature };
}

/** Whether the list was signed by the root of this Ed25519 public key. */
export function verifyOwnerKeys(decoded: DecodedOwnerKeys, rootKey: KeyObject): boolean {
  return verifySigned(KIND, decoded, rootKey);
}
