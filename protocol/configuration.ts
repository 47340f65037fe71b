import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import { GatewayName, Name } from './names.ts';
import { decodeSigned, encodeSigned, type Signed, type SignedKind, verifySigned } from './signed.ts';

/**
 * Settings that the owner wants a gateway to run, on `desired`, retained. On the wire like a manifest: deterministic CBOR of [payload bytes,
 * Ed25519 signature of the owner]; the signature covers "blindsight configuration 1", a zero byte and the payload.
 */
export type Configuration = {
  readonly schema: 1;
  readonly site: string;
  /** The only gateway that may apply it. */
  readonly gateway: string;
  /** Strictly increasing for each gateway: an older one is refused, and going back to an earlier one is a new version. */
  readonly version: number;
  readonly createdMs: number;
  /** As that of a manifest. */
  readonly expiresMs?: number;
  /**
   * YAML: the part of agent.yaml that can be pushed, exactly as written, so that messages name its lines and paths. It holds no
   * secret; the `credentials` of a camera name a file that the gateway creates from `credentials` here.
   */
  readonly settings: string;
  /** For each camera that has any, `user:password`, sealed to the gateway by `sealCredential`. */
  readonly credentials: readonly SealedCredential[];
};

export type SealedCredential = { readonly camera: string; readonly sealed: Uint8Array };

/** A decoded configuration, with the bytes that its signature covers. */
export type DecodedConfiguration = Signed & { readonly configuration: Configuration };

/** Cap on the YAML, in bytes; 64 cameras with masks have about 40 000. */
export const SETTINGS_MAX_BYTES = 131_072;

/** Cap on the wire form: settings, and 64 sealed credentials. */
export const CONFIGURATION_MAX_BYTES = SETTINGS_MAX_BYTES + 64 * 1024;

const MAX_CAMERAS = 64;
const SEALED_MAX_BYTES = 512;

const KIND: SignedKind<Configuration> = {
  code: 'CONFIGURATION_INVALID',
  noun: 'configuration',
  domain: 'blindsight configuration 1',
  schema: z.strictObject({
    schema: z.literal(1),
    site: Name,
    gateway: GatewayName,
    version: z.number().int().positive(),
    createdMs: z.number().int().nonnegative(),
    expiresMs: z.number().int().positive().exactOptional(),
    settings: z
      .string()
      .refine((text) => Buffer.byteLength(text) <= SETTINGS_MAX_BYTES, `at most ${SETTINGS_MAX_BYTES} bytes`),
    credentials: z
      .array(
        z.strictObject({
          camera: Name,
          sealed: z
            .instanceof(Uint8Array)
            .refine((bytes) => bytes.length <= SEALED_MAX_BYTES, `at most ${SEALED_MAX_BYTES} bytes`),
        }),
      )
      .max(MAX_CAMERAS)
      .refine((all) => new Set(all.map(({ camera }) => camera)).size === all.length, 'each camera once'),
  }),
};

/**
 * Signs a configuration with the owner's Ed25519 private key and returns its wire form.
 * @throws BlindsightError CONFIGURATION_INVALID if a field is out of its range.
 */
export function signConfiguration(configuration: Configuration, key: KeyObject): Uint8Array {
  return encodeSigned(KIND, configuration, key);
}

/**
 * Strict inverse of {@link signConfiguration}; the signature is *not* checked here.
 * @throws BlindsightError CONFIGURATION_INVALID, and nothing else, for any other bytes.
 */
export function decodeConfiguration(bytes: Uint8Array): DecodedConfiguration {
  const { value, payload, signature } = decodeSigned(KIND, bytes, CONFIGURATION_MAX_BYTES);
  return { configuration: value, payload, signature };
}

/** Whether the configuration was signed by the owner of this Ed25519 public key. */
export function verifyConfiguration(decoded: DecodedConfiguration, publicKey: KeyObject): boolean {
  return verifySigned(KIND, decoded, publicKey);
}
