/**
 * An encrypted answer under way: everything that the backend must check before it decrypts.
 * On the wire: deterministic CBOR of [payload bytes, Ed25519 signature of the payload bytes], where the payload is the deterministic CBOR map
 * of this type. Codec: encodeEnvelope / decodeEnvelope (this file).
 */
export type Envelope = {
  readonly schema: 1;
  readonly site: string;
  readonly gateway: string;
  readonly camera: string;
  readonly session: number;
  /** Strictly increasing within (gateway, session) over all cameras. */
  readonly sequence: number;
  /** Milliseconds since the epoch when the frame was captured. */
  readonly frameTimeMs: number;
  /** Milliseconds since the epoch when the answer was ready. */
  readonly readyTimeMs: number;
  /** SHA-256 of the signed manifest, hex: which network, keys and parameters this answer is under. */
  readonly bundle: string;
  readonly interpreter: 'engine' | 'reference';
  readonly historical: boolean;
  readonly timings: { readonly prepareMs: number; readonly encryptMs: number; readonly evaluateMs: number };
  readonly ciphertext: Uint8Array;
};
