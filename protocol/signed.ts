import { type KeyObject, sign, verify } from 'node:crypto';
import { z } from 'zod';
import { decodeCanonical, encodeCanonical } from './cbor.ts';
import { BlindsightError, type ErrorCode } from './errors.ts';

/** A value with the exact bytes that were signed; whether the signature is valid is a separate question. */
export type Signed = { readonly payload: Uint8Array; readonly signature: Uint8Array };

/** What a signed value is: its error code, the signature's domain and its shape. */
export type SignedKind<T> = {
  readonly code: ErrorCode;
  readonly noun: string;
  /** Signed in front of the payload, so that a signature for one kind of value is not valid for another. */
  readonly domain: string;
  readonly schema: z.ZodType<T>;
};

const SIGNATURE_BYTES = 64;
const Wire = z.tuple([
  z.instanceof(Uint8Array),
  z.instanceof(Uint8Array).refine((bytes) => bytes.length === SIGNATURE_BYTES, 'signature of 64 bytes'),
]);

/**
 * Wire form of a value: deterministic CBOR of [payload bytes, Ed25519 signature of domain and payload].
 * @throws BlindsightError with the kind's code if the value does not have the kind's shape.
 */
export function encodeSigned<T>(kind: SignedKind<T>, value: T, key: KeyObject): Uint8Array {
  const payload = encodeCanonical(check(kind, value));
  return encodeCanonical([payload, new Uint8Array(sign(null, signedBytes(kind, payload), key))]);
}

/**
 * Strict inverse of {@link encodeSigned}; does not check the signature.
 * @throws BlindsightError with the kind's code.
 */
export function decodeSigned<T>(
  kind: SignedKind<T>,
  bytes: Uint8Array,
  maxBytes: number,
): Signed & { value: T } {
  if (bytes.length > maxBytes) {
    throw new BlindsightError(
      kind.code,
      `${kind.noun} of ${bytes.length} bytes, at most ${maxBytes} are allowed`,
    );
  }
  const [payload, signature] = parse(kind, Wire, bytes);
  return { value: parse(kind, kind.schema, payload), payload, signature };
}

/** Whether the signature was made with the key, for this kind. */
export function verifySigned<T>(kind: SignedKind<T>, signed: Signed, key: KeyObject): boolean {
  return verify(null, signedBytes(kind, signed.payload), key, signed.signature);
}

/**
 * Whether bytes that {@link decodeSigned} rejects were written by another version of Blindsight: signed by the key for this kind, or with
 * another schema. It distinguishes an update in the wrong order from garbage; nothing else may rely on it.
 */
export function isOtherVersion<T>(
  kind: SignedKind<T>,
  bytes: Uint8Array,
  maxBytes: number,
  key: KeyObject,
): boolean {
  if (bytes.length > maxBytes) return false;
  try {
    const [payload, signature] = parse(kind, Wire, bytes);
    const { schema } = parse(kind, z.looseObject({ schema: z.number().int().positive() }), payload);
    return schema !== 1 || verifySigned(kind, { payload, signature }, key);
  } catch {
    return false;
  }
}

function signedBytes<T>(kind: SignedKind<T>, payload: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`${kind.domain}\0`), payload]);
}

function parse<T, U>(kind: SignedKind<T>, schema: z.ZodType<U>, bytes: Uint8Array): U {
  let value: unknown;
  try {
    value = decodeCanonical(bytes);
  } catch (cause) {
    throw new BlindsightError(kind.code, `${kind.noun}: not deterministic CBOR`, { cause });
  }
  return check({ ...kind, schema }, value);
}

function check<T>(kind: SignedKind<T>, value: unknown): T {
  const result = kind.schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new BlindsightError(
    kind.code,
    `${kind.noun}: ${issue?.path.join('.') || 'value'}: ${issue?.message ?? 'invalid'}`,
  );
}
