import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import { Name } from './names.ts';
import { PUBLIC_KEY_BYTES } from './public-key.ts';
import { decodeSigned, encodeSigned, type Signed, type SignedKind, verifySigned } from './signed.ts';

/**
 * Tells gateways that were enrolled before their site had a root key which one it is, signed by the owner key that they were enrolled with:
 * that key could command them anyway. A gateway that knows a root key, by its settings or by such a message, takes no other one.
 */
export type RootIntroduction = {
  readonly schema: 1;
  readonly site: string;
  /** Ed25519 public key, 32 bytes. */
  readonly rootKey: Uint8Array;
};

export type DecodedRootIntroduction = Signed & { readonly introduction: RootIntroduction };

export const ROOT_INTRODUCTION_MAX_BYTES = 512;

const KIND: SignedKind<RootIntroduction> = {
  code: 'TRUST_INVALID',
  noun: 'introduction of a root key',
  domain: 'blindsight root key 1',
  schema: z.strictObject({
    schema: z.literal(1),
    site: Name,
    rootKey: z
      .instanceof(Uint8Array)
      .refine((bytes) => bytes.length === PUBLIC_KEY_BYTES, `${PUBLIC_KEY_BYTES} bytes`),
  }),
};

/** Signs an introduction with the owner's Ed25519 private key and returns its wire form. */
export function signRootIntroduction(introduction: RootIntroduction, ownerKey: KeyObject): Uint8Array {
  return encodeSigned(KIND, introduction, ownerKey);
}

/**
 * Strict inverse of {@link signRootIntroduction}; the signature is *not* checked here.
 * @throws BlindsightError TRUST_INVALID, and nothing else, for any other bytes.
 */
export function decodeRootIntroduction(bytes: Uint8Array): DecodedRootIntroduction {
  const { value, payload, signature } = decodeSigned(KIND, bytes, ROOT_INTRODUCTION_MAX_BYTES);
  return { introduction: value, payload, signature };
}

/** Whether the introduction was signed by the owner of this Ed25519 public key. */
export function verifyRootIntroduction(decoded: DecodedRootIntroduction, ownerKey: KeyObject): boolean {
  return verifySigned(KIND, decoded, ownerKey);
}
