import type { KeyObject } from 'node:crypto';
import { BlindsightError } from './errors.ts';
import { hpkeOpen } from './hpke-open.ts';
import { hpkeSeal } from './hpke-seal.ts';

/** Where a credential belongs: sealed for one place, it does not open for another. */
export type CredentialPlace = { readonly site: string; readonly gateway: string; readonly camera: string };

const INFO = new TextEncoder().encode('blindsight credential 1');

const associated = ({ site, gateway, camera }: CredentialPlace) =>
  new TextEncoder().encode(`${site}/${gateway}/${camera}`);

/**
 * Seals `user:password` of a camera to its gateway: HPKE (RFC 9180) in base mode with X25519, HKDF-SHA256 and AES-256-GCM; the place
 * is authenticated too.
 *
 * @param publicKey X25519
 * @returns encapsulated key (32 bytes), then ciphertext with its tag (16 bytes longer than the text)
 */
export function sealCredential(publicKey: KeyObject, text: string, place: CredentialPlace): Uint8Array {
  return hpkeSeal(publicKey, new TextEncoder().encode(text), INFO, associated(place));
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
  try {
    const text = await hpkeOpen(privateKey, sealed, INFO, associated(place));
    return new TextDecoder('utf-8', { fatal: true }).decode(text);
  } catch (cause) {
    throw new BlindsightError(
      'CONFIGURATION_CREDENTIAL',
      `the credentials of camera ${place.camera} were not sealed for it on gateway ${place.gateway} of ${place.site}`,
      { cause },
    );
  }
}
