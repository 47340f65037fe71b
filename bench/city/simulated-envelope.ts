import type { KeyObject } from 'node:crypto';
import { encodeEnvelope } from '#protocol/envelope.ts';

/** Whose answers they are. */
export type Signer = {
  readonly site: string;
  readonly name: string;
  readonly signingKey: KeyObject;
  /** Digest of the release that it runs. */
  readonly bundle: string;
};

/** The only camera of a simulated gateway. */
export const cameraOf = ({ name }: Pick<Signer, 'name'>): string => `camera-${name}`;

/**
 * A signed envelope of a simulated gateway.
 *
 * @param frameTimeMs of its picture, whose answer is ready at once
 */
export function simulatedEnvelope(
  gateway: Signer,
  place: { readonly session: number; readonly sequence: number },
  frameTimeMs: number,
  ciphertext: Uint8Array,
): Uint8Array {
  const { site, name, bundle, signingKey } = gateway;
  return encodeEnvelope(
    {
      ...{ schema: 1, site, gateway: name, camera: cameraOf(gateway), ...place },
      ...{ frameTimeMs, readyTimeMs: frameTimeMs, bundle, interpreter: 'engine', historical: false },
      timings: { prepareMs: 1, encryptMs: 1, evaluateMs: 1 },
      ciphertext,
    },
    signingKey,
  );
}
