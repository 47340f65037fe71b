import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';

/** Keys from fixed bytes, so that seeds are the same in each run. */
function keyOf(curve: 'Ed25519' | 'X25519', fill: number): KeyObject {
  // PKCS #8 (RFC 8410) of 32 bytes.
  const oid = curve === 'Ed25519' ? 0x70 : 0x6e;
  const head = [
    0x30,
    0x2e,
    0x02,
    0x01,
    0x00,
    0x30,
    0x05,
    0x06,
    0x03,
    0x2b,
    0x65,
    oid,
    0x04,
    0x22,
    0x04,
    0x20,
  ];
  const key = Buffer.from([...head, ...new Array<number>(32).fill(fill)]);
  return createPrivateKey({ key, format: 'der', type: 'pkcs8' });
}

/** The owner's and gateway's signing key of all seeds, and an X25519 key to seal to. */
export const SAMPLE_KEYS = {
  signing: keyOf('Ed25519', 7),
  verifying: createPublicKey(keyOf('Ed25519', 7)),
  sealing: keyOf('X25519', 9),
} as const;
