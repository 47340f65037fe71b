import { createPublicKey, type KeyObject } from 'node:crypto';
import { AEAD_AES_256_GCM, CipherSuite, KDF_HKDF_SHA256, KEM_DHKEM_X25519_HKDF_SHA256 } from 'hpke';
import { publicKeyBytes } from './public-key.ts';

const ENCAPSULATED_BYTES = 32;

/**
 * Inverse of `hpkeSeal`.
 *
 * @param privateKey X25519
 * @param sealed the encapsulated key, then ciphertext with its tag
 * @throws Error if it was sealed to another key, for something else, or changed.
 */
export async function hpkeOpen(
  privateKey: KeyObject,
  sealed: Uint8Array,
  info: Uint8Array,
  associated: Uint8Array,
): Promise<Uint8Array> {
  const suite = new CipherSuite(KEM_DHKEM_X25519_HKDF_SHA256, KDF_HKDF_SHA256, AEAD_AES_256_GCM);
  const secret = Buffer.from(privateKey.export({ format: 'jwk' }).d ?? '', 'base64url');
  const pair = {
    privateKey: await suite.DeserializePrivateKey(new Uint8Array(secret), false),
    publicKey: await suite.DeserializePublicKey(new Uint8Array(publicKeyBytes(createPublicKey(privateKey)))),
  };
  const parts = [sealed.subarray(0, ENCAPSULATED_BYTES), sealed.subarray(ENCAPSULATED_BYTES)] as const;
  return new Uint8Array(await suite.Open(pair, ...parts, { info, aad: associated }));
}
