import { createPublicKey, type KeyObject, sign } from 'node:crypto';

/** Tags of DER (X.690). */
const TAG = {
  integer: 0x02,
  bits: 0x03,
  oid: 0x06,
  utf8: 0x0c,
  sequence: 0x30,
  set: 0x31,
  attributes: 0xa0,
} as const;
/** 2.5.4.3 */
const COMMON_NAME = Uint8Array.of(0x55, 0x04, 0x03);
/** 1.2.840.10045.4.3.2 */
const ECDSA_WITH_SHA256 = Uint8Array.of(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02);

/**
 * A request for a certificate of a gateway: PKCS #10 (RFC 2986), DER, signed with its TLS key. Written out here, because it is one nesting of
 * lengths that never changes, and the library that the site reads it with takes five megabytes that a gateway needs for nothing else.
 *
 * @param privateKey P-256
 */
export function makeCertificateRequest(gateway: string, privateKey: KeyObject): Uint8Array {
  const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  const name = der(
    TAG.sequence,
    der(TAG.set, der(TAG.sequence, der(TAG.oid, COMMON_NAME), der(TAG.utf8, Buffer.from(gateway)))),
  );
  const version = der(TAG.integer, Uint8Array.of(0));
  const content = der(TAG.sequence, version, name, publicKey, der(TAG.attributes));
  const algorithm = der(TAG.sequence, der(TAG.oid, ECDSA_WITH_SHA256));
  // The first byte says that no bit of the last one is unused.
  const signature = der(TAG.bits, Uint8Array.of(0), sign('sha256', content, privateKey));
  return new Uint8Array(der(TAG.sequence, content, algorithm, signature));
}

/** One value; all of ours are shorter than 64 KB. */
function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const head =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Uint8Array.of(tag, ...head), content]);
}
