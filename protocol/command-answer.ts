import { createHash, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { decodeCanonical, encodeCanonical } from './cbor.ts';
import { COMMAND_ID } from './command.ts';
import { BlindsightError } from './errors.ts';
import { Digest, GatewayName, Name } from './names.ts';
import { decodeSigned, encodeSigned, type Signed, type SignedKind, verifySigned } from './signed.ts';

/** What a gateway says to a command, once. */
export type CommandAnswer = {
  readonly status: 'done' | 'failed';
  /** Why nothing was done; null for `done`. */
  readonly code: string | null;
  /** A sentence for the operator. */
  readonly message: string;
  /** What was asked for, as `mediaType`: log lines, an archive; null where the sentence is all. */
  readonly content: { readonly mediaType: string; readonly bytes: Uint8Array } | null;
};

/** Which command an answer is to; covered by the signature, so that no answer can be shown for another. */
export type AnswerAddress = {
  readonly site: string;
  readonly gateway: string;
  readonly type: string;
  readonly id: string;
};

/**
 * A piece of an answer, on `answer/<type>/<id>`: deterministic CBOR of [payload bytes, Ed25519 signature of the gateway]; the signature covers
 * "blindsight answer 1", a zero byte and the payload.
 */
export type AnswerPart = AnswerAddress & {
  readonly schema: 1;
  /** From 0. */
  readonly number: number;
  readonly count: number;
  /** SHA-256 of all data together. */
  readonly digest: string;
  readonly data: Uint8Array;
};

/** A decoded part, with the bytes that its signature covers. */
export type DecodedPart = Signed & { readonly part: AnswerPart };

/** Below the smallest message limit of any broker we know, like a chunk of a bundle. */
export const ANSWER_PART_BYTES = 65_536;
/** Cap on the content. */
export const CONTENT_MAX_BYTES = 2 * 2 ** 20;
/** Cap on a whole answer; see {@link encodeAnswer}. */
const ANSWER_MAX_BYTES = CONTENT_MAX_BYTES + 8_192;
export const ANSWER_MAX_PARTS = Math.ceil(ANSWER_MAX_BYTES / ANSWER_PART_BYTES);
const PART_MAX_BYTES = ANSWER_PART_BYTES + 1_024;

const KIND: SignedKind<AnswerPart> = {
  code: 'ANSWER_INVALID',
  noun: 'answer to a command',
  domain: 'blindsight answer 1',
  schema: z
    .strictObject({
      schema: z.literal(1),
      site: Name,
      gateway: GatewayName,
      type: Name,
      id: z.string().regex(COMMAND_ID),
      number: z.number().int().nonnegative(),
      count: z.number().int().min(1).max(ANSWER_MAX_PARTS),
      digest: Digest,
      data: z
        .instanceof(Uint8Array)
        .refine(
          (data) => data.length > 0 && data.length <= ANSWER_PART_BYTES,
          `1 to ${ANSWER_PART_BYTES} bytes of data`,
        ),
    })
    .refine(({ number, count }) => number < count, 'a part within the count'),
};

const Whole = z.strictObject({
  status: z.enum(['done', 'failed']),
  code: z.string().max(64).nullable(),
  message: z.string().max(2_000),
  content: z
    .strictObject({
      mediaType: z.string().max(64),
      bytes: z
        .instanceof(Uint8Array)
        .refine((bytes) => bytes.length <= CONTENT_MAX_BYTES, `at most ${CONTENT_MAX_BYTES} bytes`),
    })
    .nullable(),
});

/**
 * Bytes of an answer, before it is cut into parts.
 * @throws BlindsightError ANSWER_INVALID if a field is out of its range.
 */
export function encodeAnswer(answer: CommandAnswer): Uint8Array {
  return encodeCanonical(checkWhole(answer));
}

/** Cuts the bytes of an answer into parts, signed with the gateway's Ed25519 private key: what is published, in order. */
export function signAnswer(address: AnswerAddress, whole: Uint8Array, key: KeyObject): Uint8Array[] {
  const count = Math.ceil(whole.length / ANSWER_PART_BYTES);
  const digest = createHash('sha256').update(whole).digest('hex');
  return Array.from({ length: count }, (_, number) => {
    const data = whole.slice(number * ANSWER_PART_BYTES, (number + 1) * ANSWER_PART_BYTES);
    const { site, gateway, type, id } = address;
    return encodeSigned(KIND, { schema: 1, site, gateway, type, id, number, count, digest, data }, key);
  });
}

/**
 * Strict inverse of one part of {@link signAnswer}; the signature is *not* checked here.
 * @throws BlindsightError ANSWER_INVALID, and nothing else, for any other bytes.
 */
export function decodeAnswerPart(bytes: Uint8Array): DecodedPart {
  const { value, payload, signature } = decodeSigned(KIND, bytes, PART_MAX_BYTES);
  return { part: value, payload, signature };
}

/** Whether the part was signed by the gateway of this Ed25519 public key. */
export function verifyAnswerPart(decoded: DecodedPart, publicKey: KeyObject): boolean {
  return verifySigned(KIND, decoded, publicKey);
}

/**
 * Puts the data of all parts, in order, together again.
 * @throws BlindsightError ANSWER_INVALID where the bytes are not those of the digest, or not an answer.
 */
export function joinAnswer(data: readonly Uint8Array[], digest: string): CommandAnswer {
  const whole = Buffer.concat(data);
  if (createHash('sha256').update(whole).digest('hex') !== digest)
    throw new BlindsightError('ANSWER_INVALID', 'answer to a command: its parts do not have its digest');
  let value: unknown;
  try {
    value = decodeCanonical(new Uint8Array(whole));
  } catch (cause) {
    throw new BlindsightError('ANSWER_INVALID', 'answer to a command: not deterministic CBOR', { cause });
  }
  return checkWhole(value);
}

function checkWhole(value: unknown): CommandAnswer {
  const result = Whole.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new BlindsightError(
    'ANSWER_INVALID',
    `answer to a command: ${issue?.path.join('.') || 'value'}: ${issue?.message ?? 'invalid'}`,
  );
}
