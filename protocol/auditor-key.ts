import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import { publicKeyOf } from './enrolment.ts';
import { BlindsightError } from './errors.ts';
import { Name } from './names.ts';
import { decodeSigned, encodeSigned, type Signed, type SignedKind, verifySigned } from './signed.ts';

const AUDITOR_KEY_MAX_BYTES = 512;

/**
 * To whom gateways seal their openings, on `auditor`, retained. On the wire: deterministic CBOR of [payload bytes, Ed25519 signature of the
 * owner]; the signature covers "blindsight auditor 1", a zero byte and the payload.
 */
export type AuditorKey = {
  readonly schema: 1;
  readonly site: string;
  /** Strictly increasing with each new key: gateways take no older one. */
  readonly number: number;
  /** X25519 public key (RFC 7748), 32 bytes. */
  readonly key: Uint8Array;
};

export type DecodedAuditorKey = Signed & { readonly auditor: AuditorKey };

const KIND: SignedKind<AuditorKey> = {
  code: 'AUDITOR_KEY_INVALID',
  noun: 'auditor key',
  domain: 'blindsight auditor 1',
  schema: z.strictObject({
    schema: z.literal(1),
    site: Name,
    number: z.number().int().positive(),
    key: z.instanceof(Uint8Array).refine((key) => key.length === 32, '32 bytes'),
  }),
};

/** Signs with the owner's Ed25519 private key. @throws BlindsightError AUDITOR_KEY_INVALID */
export function signAuditorKey(auditor: AuditorKey, key: KeyObject): Uint8Array {
  return encodeSigned(KIND, auditor, key);
}

/**
 * Strict inverse of {@link signAuditorKey}; the signature is *not* checked here.
 * @throws BlindsightError AUDITOR_KEY_INVALID, and nothing else, for any other bytes.
 */
export function decodeAuditorKey(bytes: Uint8Array): DecodedAuditorKey {
  const { value, payload, signature } = decodeSigned(KIND, bytes, AUDITOR_KEY_MAX_BYTES);
  return { auditor: value, payload, signature };
}

/** Whether it was signed by the owner of this Ed25519 public key. */
export function verifyAuditorKey(decoded: DecodedAuditorKey, publicKey: KeyObject): boolean {
  return verifySigned(KIND, decoded, publicKey);
}

/**
 * The key as an object that seals.
 * @throws BlindsightError AUDITOR_KEY_INVALID for bytes that are no key
 */
export function auditorPublicKey({ key }: Pick<AuditorKey, 'key'>): KeyObject {
  try {
    return publicKeyOf('X25519', key);
  } catch (cause) {
    throw new BlindsightError('AUDITOR_KEY_INVALID', 'auditor key: not an X25519 public key', { cause });
  }
}
