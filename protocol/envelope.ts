import { createHash, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { Digest, GatewayName, Name, RegionNames } from './names.ts';
import {
  decodeSigned,
  encodeSigned,
  isOtherVersion,
  isSignedByLaterVersion,
  readSigned,
  type Signed,
  type SignedKind,
  splitSigned,
  verifySigned,
} from './signed.ts';

/**
 * An encrypted answer in transit: everything that the backend must check before it decrypts.
 * On the wire: deterministic CBOR of [payload bytes, Ed25519 signature], where the payload is the deterministic CBOR map of this type and
 * the signature covers "blindsight envelope 1", a zero byte and the payload. Codec: encodeEnvelope / decodeEnvelope (this file).
 */
export type Envelope = {
  readonly schema: 1;
  readonly site: string;
  readonly gateway: string;
  readonly camera: string;
  /**
   * The named regions of the picture that the ciphertext answers about: answer i is about region i; answers beyond the last one are to be
   * ignored. Absent if the answer is about the entire picture of the camera.
   */
  readonly regions?: readonly string[];
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

/** A decoded envelope, with the bytes that its signature covers. */
export type DecodedEnvelope = Signed & { readonly envelope: Envelope };

/** Maximum size of a message beyond the ciphertext of its envelope: names (including 64 regions), numbers, signature, topic. */
export const ENVELOPE_OVERHEAD_BYTES = 3328;

const epochMs = z.number().finite().nonnegative();
const count = z.number().int().nonnegative();
const durationMs = z.number().finite().nonnegative();

const KIND: SignedKind<Envelope> = {
  code: 'ENVELOPE_INVALID',
  noun: 'envelope',
  domain: 'blindsight envelope 1',
  schema: z.strictObject({
    schema: z.literal(1),
    site: Name,
    gateway: GatewayName,
    camera: Name,
    regions: RegionNames.exactOptional(),
    session: z.number().int().positive(),
    sequence: count,
    frameTimeMs: epochMs,
    readyTimeMs: epochMs,
    bundle: Digest,
    interpreter: z.enum(['engine', 'reference']),
    historical: z.boolean(),
    timings: z.strictObject({ prepareMs: durationMs, encryptMs: durationMs, evaluateMs: durationMs }),
    ciphertext: z.instanceof(Uint8Array).refine((bytes) => bytes.length > 0, 'at least one byte'),
  }),
};

/**
 * Signs an envelope with the gateway's Ed25519 private key and returns its wire form.
 * @throws BlindsightError ENVELOPE_INVALID if a field is out of its range.
 */
export function encodeEnvelope(envelope: Envelope, signingKey: KeyObject): Uint8Array {
  return encodeSigned(KIND, envelope, signingKey);
}

/**
 * Strict inverse of {@link encodeEnvelope}; the signature is *not* checked here.
 * @param maxBytes limit on the entire wire form.
 * @throws BlindsightError ENVELOPE_INVALID, and nothing else, for any other bytes.
 */
export function decodeEnvelope(bytes: Uint8Array, maxBytes: number): DecodedEnvelope {
  const { value, payload, signature } = decodeSigned(KIND, bytes, maxBytes);
  return { envelope: value, payload, signature };
}

/**
 * First half of {@link decodeEnvelope}: payload and signature, of which nothing is decoded yet.
 * @throws BlindsightError ENVELOPE_INVALID.
 */
export function splitEnvelope(bytes: Uint8Array, maxBytes: number): Signed {
  return splitSigned(KIND, bytes, maxBytes);
}

/**
 * Second half of {@link decodeEnvelope}.
 * @throws BlindsightError ENVELOPE_INVALID.
 */
export function readEnvelope(signed: Signed): DecodedEnvelope {
  return { envelope: readSigned(KIND, signed), ...signed };
}

/** Whether an envelope whose signature does not hold was signed by a later version of Blindsight with this Ed25519 public key. */
export function isLaterEnvelope(signed: Signed, publicKey: KeyObject): boolean {
  return isSignedByLaterVersion(KIND, signed, publicKey);
}

/** Whether bytes that do not decode are still an envelope, from a version of Blindsight that this one does not know. */
export function isUnknownEnvelope(bytes: Uint8Array, maxBytes: number, publicKey: KeyObject): boolean {
  return isOtherVersion(KIND, bytes, maxBytes, publicKey);
}

/** Whether the envelope was signed by the owner of this Ed25519 public key. */
export function verifyEnvelope(signed: Signed, publicKey: KeyObject): boolean {
  return verifySigned(KIND, signed, publicKey);
}

/** SHA-256, hex, of a message's payload bytes as published: the name that a receipt uses for it. */
export function envelopeDigest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
