import { createHash, createPublicKey, type KeyObject } from 'node:crypto';

/** Bytes of an Ed25519 public key. */
export const PUBLIC_KEY_BYTES = 32;

/** The 32 bytes of an Ed25519 or X25519 public key (RFC 8032, RFC 7748): as it is written in signed statements. */
export function publicKeyBytes(key: KeyObject): Uint8Array {
  return Buffer.from(key.export({ format: 'jwk' }).x!, 'base64url');
}

/** Inverse of {@link publicKeyBytes}. */
export function publicKeyOf(bytes: Uint8Array): KeyObject {
  const x = Buffer.from(bytes).toString('base64url');
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
}

/** How people tell keys apart: the first 16 hex digits of the SHA-256 of its bytes. */
export function publicKeyId(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16);
}
