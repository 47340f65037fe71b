import { createHash, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { Digest, GatewayName, Name } from './names.ts';
import { decodeSigned, encodeSigned, type Signed, type SignedKind, verifySigned } from './signed.ts';

/** The files of a bundle, in the order in which a gateway fetches them. */
export const BUNDLE_PARTS = ['program', 'public-key', 'constants', 'evaluation-keys', 'self-test'] as const;
export type BundlePartName = (typeof BUNDLE_PARTS)[number];

export type BundlePart = {
  readonly name: BundlePartName;
  readonly bytes: number;
  /** SHA-256, hex. */
  readonly sha256: string;
};

/**
 * What the owner signs. On the wire: deterministic CBOR of [payload bytes, Ed25519 signature], payload the deterministic
 * CBOR map of this type; the signature covers "blindsight manifest 1", a zero byte and the payload. Its SHA-256 (of the entire wire form) names the bundle everywhere.
 */
export type Manifest = {
  readonly schema: 1;
  readonly site: string;
  /** The only gateway that may run it. */
  readonly gateway: string;
  readonly model: string;
  readonly modelVersion: number;
  /** Strictly increasing for each gateway: an older release is refused; a rollback by the owner is a new release. */
  readonly counter: number;
  readonly createdMs: number;
  /** No gateway accepts it anew from then on; absent: no end. Gateways of before there was trust refuse a manifest that has it. */
  readonly expiresMs?: number;
  /** For the cameras that name `model` as their network; absent: for all that name none. Gateways of before refuse a manifest that has it. */
  readonly beside?: true;
  readonly parts: readonly BundlePart[];
  /**
   * SHA-256, hex, of the serialized answer of each interpreter to the self-test inputs; at least one. There is none for the reference interpreter
   * where it cannot run the program (several special primes), nor with further keys of a network: it then goes by that of the engine.
   */
  readonly selfTest: { readonly engine?: string; readonly reference?: string };
};

/** A decoded manifest, with the bytes that its signature covers. */
export type DecodedManifest = Signed & { readonly manifest: Manifest };

/** Cap on the wire form of a manifest; a real one has well under 2 KB. */
export const MANIFEST_MAX_BYTES = 16_384;

/** Limit for one part of a bundle. A gateway loads it as it reads it, so its memory is no limit; one of before November 2026 refuses more than 2^30. */
export const PART_MAX_BYTES = 2 ** 36;

const Part = z.strictObject({
  name: z.enum(BUNDLE_PARTS),
  bytes: z.number().int().positive().max(PART_MAX_BYTES),
  sha256: Digest,
});

const KIND: SignedKind<Manifest> = {
  code: 'MANIFEST_INVALID',
  noun: 'manifest',
  domain: 'blindsight manifest 1',
  schema: z.strictObject({
    schema: z.literal(1),
    site: Name,
    gateway: GatewayName,
    model: z.string().min(1).max(64),
    modelVersion: z.number().int().positive(),
    counter: z.number().int().positive(),
    createdMs: z.number().int().nonnegative(),
    expiresMs: z.number().int().positive().exactOptional(),
    beside: z.literal(true).exactOptional(),
    parts: z
      .array(Part)
      .length(BUNDLE_PARTS.length)
      .refine((parts) => parts.every((part, i) => part.name === BUNDLE_PARTS[i]), 'each part once, in order'),
    selfTest: z
      .strictObject({ engine: Digest.exactOptional(), reference: Digest.exactOptional() })
      .refine(({ engine, reference }) => engine ?? reference, 'at least one interpreter'),
  }),
};

/**
 * Signs a manifest with the owner's Ed25519 private key and returns its wire form.
 * @throws BlindsightError MANIFEST_INVALID if a field is out of its range.
 */
export function signManifest(manifest: Manifest, key: KeyObject): Uint8Array {
  return encodeSigned(KIND, manifest, key);
}

/**
 * Strict inverse of {@link signManifest}; the signature is *not* checked here.
 * @throws BlindsightError MANIFEST_INVALID, and nothing else, for any other bytes.
 */
export function decodeManifest(bytes: Uint8Array): DecodedManifest {
  const { value, payload, signature } = decodeSigned(KIND, bytes, MANIFEST_MAX_BYTES);
  return { manifest: value, payload, signature };
}

/** Whether the manifest was signed by the owner of this Ed25519 public key. */
export function verifyManifest(decoded: DecodedManifest, publicKey: KeyObject): boolean {
  return verifySigned(KIND, decoded, publicKey);
}

/** SHA-256, hex, of the wire form: the name of the bundle everywhere. */
export function manifestDigest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
