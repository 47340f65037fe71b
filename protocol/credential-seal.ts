import { createPublicKey, type KeyObject } from 'node:crypto';
import { AEAD_AES_256_GCM, CipherSuite, KDF_HKDF_SHA256, KEM_DHKEM_X25519_HKDF_SHA256 } from 'hpke';
import { BlindsightError } from './errors.ts';

/** Where a credential belongs: sealed for one place, it does not open for another. */
export type CredentialPlace = { readonly site: string; readonly gateway: string; readonly camera: string };

const ENCAPSULATED_BYTES = 32;
const INFO = new TextEncoder().encode('blindsight credential 1');

const suite = () => new CipherSuite(KEM_DHKEM_X25519_HKDF_SHA256, KDF_HKDF_SHA256, AEAD_AES_256_GCM);
/** The bytes of an X25519 key (RFC 7748): x of a public one, d of a private one. */
const rawKey = (key: KeyObject, part: 'x' | 'd') =>
  new Uint8Array(Buffer.from(key.export({ format: 'jwk' })[part] ?? '', 'base64url'));
const associated = ({ site, gateway, camera }: CredentialPlace) =>
  new TextEncoder().encode(`${site}/${gateway}/${camera}`);

/**
 * Seals `user:password` of a camera to its gateway: HPKE (RFC 9180) in base mode with X25519, HKDF-SHA256 and AES-256-GCM; the place
 * is authenticated too.
 *
 * @param publicKey X25519
 * @returns encapsulated key (32 bytes), then ciphertext with its tag (16 bytes longer than the text)
 */
export async function sealCredential(
  publicKey: KeyObject,
  text: string,
  place: CredentialPlace,
): Promise<Uint8Array> {
  const hpke = suite();
  const { encapsulatedSecret, ciphertext } = await hpke.Seal(
    await hpke.DeserializePublicKey(rawKey(publicKey, 'x')),
    new TextEncoder().encode(text),
    { info: INFO, aad: associated(place) },
  );
  return Buffer.concat([encapsulatedSecret, ciphertext]);
}

/**
 * Inverse of {@link sealCredential}.
 *
 * @param privateKey X25519
 * @throws BlindsightError CONFIGURATION_CREDENTIAL if it was sealed to another key or place, or changed.
 */
export async function openCredential(
  privateKey: KeyObject,
  sealed: Uint8Array,
  place: CredentialPlace,
): Promise<string> {
  const hpke = suite();
  const pair = {
    privateKey: await hpke.DeserializePrivateKey(rawKey(privateKey, 'd'), false),
    publicKey: await hpke.DeserializePublicKey(rawKey(createPublicKey(privateKey), 'x')),
  };
  const parts = [sealed.subarray(0, ENCAPSULATED_BYTES), sealed.subarray(ENCAPSULATED_BYTES)] as const;
  try {
    const text = await hpke.Open(pair, ...parts, { info: INFO, aad: associated(place) });
    return new TextDecoder('utf-8', { fatal: true }).decode(text);
  } catch (cause) {
    throw new BlindsightError(
      'CONFIGURATION_CREDENTIAL',
      `the credentials of camera ${place.camera} were not sealed for it on gateway ${place.gateway} of ${place.site}`,
      { cause },
    );
  }
}
