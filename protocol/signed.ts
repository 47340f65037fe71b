import { type KeyObject, sign, verify } from 'node:crypto';
import { promisify } from 'node:util';
import { z } from 'zod';
import { decodeCanonical, encodeCanonical } from './cbor.ts';
import { BlindsightError, type ErrorCode } from './errors.ts';

const verifyAside = promisify(verify);

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
  const signed = splitSigned(kind, bytes, maxBytes);
  return { value: readSigned(kind, signed), ...signed };
}

/**
 * First half of {@link decodeSigned}: takes the wire form apart and looks at nothing that the signature covers, so that it can be checked first.
 * @throws BlindsightError with the kind's code.
 */
export function splitSigned<T>(kind: SignedKind<T>, bytes: Uint8Array, maxBytes: number): Signed {
  if (bytes.length > maxBytes) {
    throw new BlindsightError(
      kind.code,
      `${kind.noun} of ${bytes.length} bytes, at most ${maxBytes} are allowed`,
    );
  }
  const [payload, signature] = takeApart(bytes) ?? parse(kind, Wire, bytes);
  return { payload, signature };
}

/**
 * The only bytes that a payload and a signature have in deterministic CBOR, taken apart without a decoder: an array of two, the length of the payload in its shortest form, and 64 bytes.
 * What is signed is shared with `bytes`, not copied.
 *
 * @returns null for all others
 */
function takeApart(bytes: Uint8Array): readonly [Uint8Array, Uint8Array] | null {
  const end = bytes.length - SIGNATURE_BYTES;
  const isWire = bytes[0] === 0x82 && bytes[end - 2] === 0x58 && bytes[end - 1] === SIGNATURE_BYTES;
  if (!isWire) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const head = bytes[1]!;
  const short = head - 0x40;
  const [start, length, least] =
    short >= 0 && short < 24
      ? [2, short, 0]
      : head === 0x58
        ? [3, view.getUint8(2), 24]
        : head === 0x59
          ? [4, view.getUint16(2), 2 ** 8]
          : head === 0x5a
            ? [6, view.getUint32(2), 2 ** 16]
            : [0, -1, 0];
  if (length < least || start + length !== end - 2) return null;
  const part = (from: number, count: number) => new Uint8Array(bytes.buffer, bytes.byteOffset + from, count);
  return [part(start, length), part(end, SIGNATURE_BYTES)];
}

/**
 * Second half of {@link decodeSigned}.
 * @throws BlindsightError with the kind's code.
 */
export function readSigned<T>(kind: SignedKind<T>, { payload }: Signed): T {
  return parse(kind, kind.schema, payload);
}

/** Whether the signature was made with the key, for this kind. */
export function verifySigned<T>(kind: SignedKind<T>, signed: Signed, key: KeyObject): boolean {
  return verify(null, signedBytes(kind, signed.payload), key, signed.signature);
}

/** The same as {@link verifySigned}, found in the threads of the platform: the event loop goes on. */
export function verifySignedAside<T>(kind: SignedKind<T>, signed: Signed, key: KeyObject): Promise<boolean> {
  return verifyAside(null, signedBytes(kind, signed.payload), key, signed.signature);
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

/** How many versions ahead of this one a signature is recognized. */
const LATER_VERSIONS = 3;

/** Whether a signature that does not hold for this kind was made with the key by a later version of it, whose domain ends with a higher number. */
export function isSignedByLaterVersion<T>(kind: SignedKind<T>, signed: Signed, key: KeyObject): boolean {
  return laterKinds(kind).some((later) => verifySigned(later, signed, key));
}

/** The same as {@link isSignedByLaterVersion}, found in the threads of the platform. */
export async function isSignedByLaterVersionAside<T>(
  kind: SignedKind<T>,
  signed: Signed,
  key: KeyObject,
): Promise<boolean> {
  const found = await Promise.all(laterKinds(kind).map((later) => verifySignedAside(later, signed, key)));
  return found.includes(true);
}

function laterKinds<T>(kind: SignedKind<T>): SignedKind<T>[] {
  const end = kind.domain.lastIndexOf(' ') + 1;
  const [name, number] = [kind.domain.slice(0, end), Number(kind.domain.slice(end))];
  return Array.from({ length: LATER_VERSIONS }, (_, i) => ({ ...kind, domain: `${name}${number + 1 + i}` }));
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
