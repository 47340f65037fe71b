import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import { decodeCanonical, encodeCanonical } from './cbor.ts';
import { COMMAND_ID } from './command.ts';
import { BlindsightError } from './errors.ts';
import { Digest, GatewayName, Name } from './names.ts';
import { OPENING_MAX_BYTES } from './opening.ts';
import { decodeSigned, encodeSigned, type Signed, type SignedKind, verifySigned } from './signed.ts';

/** The type of a challenge among commands: its topic is `command/audit/<id>`, its answer comes on `answer/audit/<id>`. */
export const CHALLENGE_TYPE = 'audit';
/** Most answers that one challenge asks about. */
export const CHALLENGE_MAX_ANSWERS = 16;
const CHALLENGE_MAX_BYTES = 4096;
/** Media type of the answer's content; see {@link encodeOpenings}. */
export const OPENINGS_MEDIA_TYPE = 'application/vnd.blindsight.openings';

/**
 * The owner asks a gateway to open some of its answers. Not retained. On the wire like a command: deterministic CBOR of [payload bytes, Ed25519
 * signature of the owner]; the signature covers "blindsight challenge 1", a zero byte and the payload. The gateway answers with a `CommandAnswer` whose
 * content is {@link encodeOpenings}; asked again, it answers again, and nothing of it changes anything.
 */
export type Challenge = {
  readonly schema: 1;
  readonly site: string;
  readonly gateway: string;
  readonly id: string;
  /** SHA-256, hex, of the ciphertexts of the answers. */
  readonly answers: readonly string[];
  readonly createdMs: number;
};

/** A decoded challenge, with the bytes that its signature covers. */
export type DecodedChallenge = Signed & { readonly challenge: Challenge };

const KIND: SignedKind<Challenge> = {
  code: 'CHALLENGE_INVALID',
  noun: 'challenge',
  domain: 'blindsight challenge 1',
  schema: z.strictObject({
    schema: z.literal(1),
    site: Name,
    gateway: GatewayName,
    id: z.string().regex(COMMAND_ID),
    answers: z.array(Digest).min(1).max(CHALLENGE_MAX_ANSWERS),
    createdMs: z.number().int().nonnegative(),
  }),
};

/**
 * Signs a challenge with the owner's Ed25519 private key and returns its wire form.
 * @throws BlindsightError CHALLENGE_INVALID if a field is out of its range.
 */
export function signChallenge(challenge: Challenge, key: KeyObject): Uint8Array {
  return encodeSigned(KIND, challenge, key);
}

/**
 * Strict inverse of {@link signChallenge}; the signature is *not* checked here.
 * @throws BlindsightError CHALLENGE_INVALID, and nothing else, for any other bytes.
 */
export function decodeChallenge(bytes: Uint8Array): DecodedChallenge {
  const { value, payload, signature } = decodeSigned(KIND, bytes, CHALLENGE_MAX_BYTES);
  return { challenge: value, payload, signature };
}

/** Whether the challenge was signed by the owner of this Ed25519 public key. */
export function verifyChallenge(decoded: DecodedChallenge, publicKey: KeyObject): boolean {
  return verifySigned(KIND, decoded, publicKey);
}

const Openings = z
  .array(
    z
      .instanceof(Uint8Array)
      .refine((sealed) => sealed.length <= OPENING_MAX_BYTES, 'too large')
      .nullable(),
  )
  .max(CHALLENGE_MAX_ANSWERS);

/** Sealed openings in the order of the challenge's answers; null for one that the gateway does not have. Deterministic CBOR of an array. */
export function encodeOpenings(sealed: readonly (Uint8Array | null)[]): Uint8Array {
  return encodeCanonical([...sealed]);
}

/**
 * Inverse of {@link encodeOpenings}.
 * @throws BlindsightError CHALLENGE_INVALID, and nothing else, for any other bytes.
 */
export function decodeOpenings(bytes: Uint8Array): (Uint8Array | null)[] {
  try {
    return Openings.parse(decodeCanonical(bytes));
  } catch (cause) {
    throw new BlindsightError('CHALLENGE_INVALID', 'the answer to a challenge is no list of openings', {
      cause,
    });
  }
}
