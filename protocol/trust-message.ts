import { z } from 'zod';
import { decodeCanonical, encodeCanonical } from './cbor.ts';
import { BlindsightError } from './errors.ts';
import { type DecodedOwnerKeys, decodeOwnerKeys, OWNER_KEYS_MAX_BYTES } from './owner-keys.ts';
import {
  type DecodedRootIntroduction,
  decodeRootIntroduction,
  ROOT_INTRODUCTION_MAX_BYTES,
} from './root-introduction.ts';
import { type DecodedTimestamp, decodeTimestamp, TIMESTAMP_MAX_BYTES } from './timestamp.ts';

/** What is retained on `trust`, as wire forms: deterministic CBOR of [introduction or null, owner keys or null, timestamp]. */
export type TrustMessage = {
  /** For gateways enrolled before the site had a root key; null if it always had one, or has none. */
  readonly introduction: Uint8Array | null;
  /** Null for a site without a root key. */
  readonly ownerKeys: Uint8Array | null;
  readonly timestamp: Uint8Array;
};

export type DecodedTrust = {
  readonly introduction: DecodedRootIntroduction | null;
  readonly ownerKeys: DecodedOwnerKeys | null;
  readonly timestamp: DecodedTimestamp;
};

export const TRUST_MAX_BYTES = ROOT_INTRODUCTION_MAX_BYTES + OWNER_KEYS_MAX_BYTES + TIMESTAMP_MAX_BYTES + 16;

const bytes = z.instanceof(Uint8Array);
const Wire = z.tuple([bytes.nullable(), bytes.nullable(), bytes]);

export function encodeTrust({ introduction, ownerKeys, timestamp }: TrustMessage): Uint8Array {
  return encodeCanonical([introduction, ownerKeys, timestamp]);
}

/**
 * Strict inverse of {@link encodeTrust}; no signature is checked here.
 * @throws BlindsightError TRUST_INVALID, and nothing else, for any other bytes.
 */
export function decodeTrust(wire: Uint8Array): DecodedTrust {
  const [introduction, ownerKeys, timestamp] = parse(wire);
  return {
    introduction: introduction && decodeRootIntroduction(introduction),
    ownerKeys: ownerKeys && decodeOwnerKeys(ownerKeys),
    timestamp: decodeTimestamp(timestamp),
  };
}

function parse(wire: Uint8Array): z.infer<typeof Wire> {
  if (wire.length > TRUST_MAX_BYTES)
    throw new BlindsightError(
      'TRUST_INVALID',
      `a message about trust of ${wire.length} bytes, at most ${TRUST_MAX_BYTES} are allowed`,
    );
  try {
    return Wire.parse(decodeCanonical(wire));
  } catch (cause) {
    throw new BlindsightError('TRUST_INVALID', 'a message about trust is not one', { cause });
  }
}
