import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import { GatewayName, MAX_NETWORKS, Name } from './names.ts';
import { decodeSigned, encodeSigned, type Signed, type SignedKind, verifySigned } from './signed.ts';

/**
 * What is newest for a gateway, signed by an owner key again and again: it bounds how long somebody can hold new things back, and nothing older
 * than it says is accepted. The signature covers "blindsight timestamp 1", a zero byte and the payload.
 */
export type Timestamp = {
  readonly schema: 1;
  readonly site: string;
  /** The only gateway that it is for. */
  readonly gateway: string;
  /** Strictly increasing, whatever clocks do. */
  readonly number: number;
  /** When it was signed, on the clock of the site. */
  readonly timeMs: number;
  readonly expiresMs: number;
  /** Counter of the newest release of the default network; 0 for none. */
  readonly release: number;
  /** The same of the networks beside it, by name; absent where there are none. Gateways of before refuse a timestamp that has it. */
  readonly networks?: Readonly<Record<string, number>>;
  /** Version of the newest pushed configuration; 0 for none. */
  readonly configuration: number;
  /** Counter of the newest release of the agent's software; 0 for none. */
  readonly software: number;
  /** Version of the list of owner keys; 0 for a site without a root key. */
  readonly ownerKeys: number;
};

export type DecodedTimestamp = Signed & { readonly timestamp: Timestamp };

export const TIMESTAMP_MAX_BYTES = 2048;

const number = z.number().int().nonnegative();

const KIND: SignedKind<Timestamp> = {
  code: 'TRUST_INVALID',
  noun: 'timestamp',
  domain: 'blindsight timestamp 1',
  schema: z.strictObject({
    schema: z.literal(1),
    site: Name,
    gateway: GatewayName,
    number: z.number().int().positive(),
    timeMs: number,
    expiresMs: z.number().int().positive(),
    release: number,
    networks: z
      .record(Name, number)
      .refine((networks) => Object.keys(networks).length <= MAX_NETWORKS, `at most ${MAX_NETWORKS}`)
      .exactOptional(),
    configuration: number,
    software: number,
    ownerKeys: number,
  }),
};

/** Signs a timestamp with the owner's Ed25519 private key and returns its wire form. */
export function signTimestamp(timestamp: Timestamp, ownerKey: KeyObject): Uint8Array {
  return encodeSigned(KIND, timestamp, ownerKey);
}

/**
 * Strict inverse of {@link signTimestamp}; the signature is *not* checked here.
 * @throws BlindsightError TRUST_INVALID, and nothing else, for any other bytes.
 */
export function decodeTimestamp(bytes: Uint8Array): DecodedTimestamp {
  const { value, payload, signature } = decodeSigned(KIND, bytes, TIMESTAMP_MAX_BYTES);
  return { timestamp: value, payload, signature };
}

/** Whether the timestamp was signed by the owner of this Ed25519 public key. */
export function verifyTimestamp(decoded: DecodedTimestamp, ownerKey: KeyObject): boolean {
  return verifySigned(KIND, decoded, ownerKey);
}
