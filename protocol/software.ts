import { createHash, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { Digest, GatewayName, Name } from './names.ts';
import { decodeSigned, encodeSigned, type Signed, type SignedKind, verifySigned } from './signed.ts';

/** Machines that a gateway's software exists for. */
export const SOFTWARE_PLATFORMS = ['linux-x64', 'linux-arm64'] as const;
export type SoftwarePlatform = (typeof SOFTWARE_PLATFORMS)[number];

/** The only part of a release of software, as it is named in requests and chunks. */
export const SOFTWARE_PART = 'archive';

/** Of a release, as `blindsight --version` prints it. */
export const SOFTWARE_VERSION = /^\d+\.\d+\.\d+(?:-[0-9a-z.-]{1,40})?$/;

/** Cap on the archive of a release: a compressed program with its Node has about 60 MB. */
export const ARCHIVE_MAX_BYTES = 512 * 2 ** 20;

/**
 * A release of the agent for one gateway, signed by the owner. On the wire like a manifest of a bundle: deterministic CBOR of [payload bytes,
 * Ed25519 signature]; the signature covers "blindsight software 1", a zero byte and the payload. The SHA-256 of the wire form names the release.
 */
export type SoftwareManifest = {
  readonly schema: 1;
  readonly site: string;
  /** The only gateway that may install it. */
  readonly gateway: string;
  /** Of the program, as `blindsight --version` prints it. */
  readonly version: string;
  /** Strictly increasing for each gateway; going back to an earlier version is a new release. */
  readonly counter: number;
  readonly createdMs: number;
  /** As that of a manifest. */
  readonly expiresMs?: number;
  readonly platform: SoftwarePlatform;
  readonly archive: { readonly bytes: number /** SHA-256, hex. */; readonly sha256: string };
  /** SHA-256, hex, of RELEASE.json in the archive, which lists its files: what the unpacked program is checked against before each start. */
  readonly contents: string;
  /** Memory that must be free before the gateway tries it. */
  readonly memoryMegabytes: number;
};

/** A decoded manifest, with the bytes that its signature covers. */
export type DecodedSoftware = Signed & { readonly manifest: SoftwareManifest };

/** Cap on the wire form. */
export const SOFTWARE_MAX_BYTES = 4096;

export const SOFTWARE_KIND: SignedKind<SoftwareManifest> = {
  code: 'SOFTWARE_INVALID',
  noun: 'release of software',
  domain: 'blindsight software 1',
  schema: z.strictObject({
    schema: z.literal(1),
    site: Name,
    gateway: GatewayName,
    version: z.string().regex(SOFTWARE_VERSION, 'a version such as 1.2.3'),
    counter: z.number().int().positive(),
    createdMs: z.number().int().nonnegative(),
    expiresMs: z.number().int().positive().exactOptional(),
    platform: z.enum(SOFTWARE_PLATFORMS),
    archive: z.strictObject({ bytes: z.number().int().positive().max(ARCHIVE_MAX_BYTES), sha256: Digest }),
    contents: Digest,
    memoryMegabytes: z.number().int().positive(),
  }),
};

/**
 * Signs a release with the owner's Ed25519 private key and returns its wire form.
 * @throws BlindsightError SOFTWARE_INVALID if a field is out of its range.
 */
export function signSoftware(manifest: SoftwareManifest, key: KeyObject): Uint8Array {
  return encodeSigned(SOFTWARE_KIND, manifest, key);
}

/**
 * Strict inverse of {@link signSoftware}; the signature is *not* checked here.
 * @throws BlindsightError SOFTWARE_INVALID, and nothing else, for any other bytes.
 */
export function decodeSoftware(bytes: Uint8Array): DecodedSoftware {
  const { value, payload, signature } = decodeSigned(SOFTWARE_KIND, bytes, SOFTWARE_MAX_BYTES);
  return { manifest: value, payload, signature };
}

/** Whether the release was signed by the owner of this Ed25519 public key. */
export function verifySoftware(decoded: DecodedSoftware, publicKey: KeyObject): boolean {
  return verifySigned(SOFTWARE_KIND, decoded, publicKey);
}

/** SHA-256, hex, of the wire form: the name of the release everywhere. */
export function softwareDigest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
