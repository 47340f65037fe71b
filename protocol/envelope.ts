import { createHash, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { Digest, GatewayName, MAX_REGIONS, Name, RegionNames } from './names.ts';
import {
  encodeSigned,
  isOtherVersion,
  isSignedByLaterVersion,
  isSignedByLaterVersionAside,
  readSigned,
  type Signed,
  type SignedKind,
  splitSigned,
  verifySigned,
  verifySignedAside,
} from './signed.ts';

/** The picture of one camera, or named regions of it, as an answer names it. */
export type AnsweredPicture = {
  readonly camera: string;
  /** The named regions of the picture that the answer is about, in the order of their answers. Absent if it is about all of the picture. */
  readonly regions?: readonly string[];
  /** Milliseconds since the epoch when the frame was captured. */
  readonly frameTimeMs: number;
};

/** An answer about one picture that came to be after the first one of its envelope. */
export type LaterAnswer = AnsweredPicture & Pick<Envelope, 'readyTimeMs' | 'timings'>;

/**
 * An encrypted answer in transit: everything that the backend must check before it decrypts.
 * On the wire: deterministic CBOR of [payload bytes, Ed25519 signature], where the payload is the deterministic CBOR map of this type and
 * the signature covers "blindsight envelope 1" (2 with {@link others}, 3 with {@link later}), a zero byte and the payload. Codec: encodeEnvelope / decodeEnvelope (this file).
 */
export type Envelope = {
  /** 2 if, and only if, there are {@link others}; 3 if, and only if, there are {@link later} ones. */
  readonly schema: 1 | 2 | 3;
  readonly site: string;
  readonly gateway: string;
  readonly camera: string;
  /**
   * The named regions of the picture that the ciphertext answers about: answer i is about region i; answers beyond the last one are to be
   * ignored. Absent if the answer is about the entire picture of the camera.
   */
  readonly regions?: readonly string[];
  /**
   * Pictures of further cameras that the same ciphertext answers about: their answers follow, in order, on those about this one. Each has a number of its own
   * in the sequence, one after the other from `sequence` + 1 on; see `answersOf`.
   */
  readonly others?: readonly AnsweredPicture[];
  /**
   * Answers that were gathered in the same ciphertext after this one, each at a place of its own (`Gathering` of `#fhe`), in the order in which they were made. Each has a number of its own in the
   * sequence, one after the other from `sequence` + 1 on. Never with {@link others}.
   */
  readonly later?: readonly LaterAnswer[];
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

/** Version of envelopes that a backend must take before a gateway sends any about several cameras; what it takes is in its `BackendState`. */
export const SHARED_ENVELOPE = 2;
/** The same for envelopes in which several answers are gathered. */
export const GATHERED_ENVELOPE = 3;
export const NEWEST_ENVELOPE = GATHERED_ENVELOPE;

/** Most answers that are gathered in an envelope, whatever room its ciphertext has: what is chosen for an audit is computed again as a whole. */
export const MAX_GATHERED = 32;

/** Maximum size of a message beyond the ciphertext of its envelope: names (of 64 pictures or regions, or of 32 answers), numbers, signature, topic. */
export const ENVELOPE_OVERHEAD_BYTES = 8192;

const epochMs = z.number().finite().nonnegative();
/** Far from where databases and JSON lose whole numbers, also with those of {@link answersOf} added. */
const LARGEST_NUMBER = 2 ** 52;
const count = z.number().int().nonnegative().max(LARGEST_NUMBER);
const durationMs = z.number().finite().nonnegative();

const FIELDS = {
  site: Name,
  gateway: GatewayName,
  camera: Name,
  regions: RegionNames.exactOptional(),
  session: z.number().int().positive().max(LARGEST_NUMBER),
  sequence: count,
  frameTimeMs: epochMs,
  readyTimeMs: epochMs,
  bundle: Digest,
  interpreter: z.enum(['engine', 'reference']),
  historical: z.boolean(),
  timings: z.strictObject({ prepareMs: durationMs, encryptMs: durationMs, evaluateMs: durationMs }),
  ciphertext: z.instanceof(Uint8Array).refine((bytes) => bytes.length > 0, 'at least one byte'),
};

const KIND: SignedKind<Envelope> = {
  code: 'ENVELOPE_INVALID',
  noun: 'envelope',
  domain: 'blindsight envelope 1',
  schema: z.strictObject({ schema: z.literal(1), ...FIELDS }),
};

/** About pictures of several cameras. */
const SHARED_KIND: SignedKind<Envelope> = {
  ...KIND,
  domain: 'blindsight envelope 2',
  schema: z
    .strictObject({
      schema: z.literal(2),
      ...FIELDS,
      others: z
        .array(z.strictObject({ camera: Name, regions: RegionNames.exactOptional(), frameTimeMs: epochMs }))
        .min(1)
        .max(MAX_REGIONS - 1),
    })
    .refine(
      ({ camera, others }) =>
        new Set([camera, ...others.map((one) => one.camera)]).size === others.length + 1,
      { path: ['others'], message: 'each camera once' },
    )
    .refine((envelope) => placesOf(envelope) <= MAX_REGIONS, {
      path: ['others'],
      message: `at most ${MAX_REGIONS} pictures and regions`,
    }),
};

/** With answers that were gathered. */
const GATHERED_KIND: SignedKind<Envelope> = {
  ...KIND,
  domain: 'blindsight envelope 3',
  schema: z
    .strictObject({
      schema: z.literal(3),
      ...FIELDS,
      later: z
        .array(
          z.strictObject({
            camera: Name,
            regions: RegionNames.exactOptional(),
            frameTimeMs: epochMs,
            readyTimeMs: epochMs,
            timings: FIELDS.timings,
          }),
        )
        .min(1)
        .max(MAX_GATHERED - 1),
    })
    .superRefine(({ later, ...first }, context) => {
      const refuse = (index: number, message: string) =>
        context.addIssue({ code: 'custom', path: ['later', index], message });
      const named = [first, ...later].reduce((sum, { regions = [] }) => sum + regions.length, 0);
      if (named > MAX_REGIONS) refuse(0, `at most ${MAX_REGIONS} regions`);
      const newest = new Map([[first.camera, first.frameTimeMs]]);
      const seen = new Set([nameOf(first)]);
      for (const [i, answer] of later.entries()) {
        if (answer.frameTimeMs < (newest.get(answer.camera) ?? 0)) refuse(i, 'pictures of a camera in order');
        newest.set(answer.camera, answer.frameTimeMs);
        if (seen.has(nameOf(answer))) refuse(i, 'each picture once');
        seen.add(nameOf(answer));
      }
    }),
};

/** Distinguishes pictures, and parts of them. Names have no blank. */
const nameOf = ({ camera, frameTimeMs, regions = [] }: AnsweredPicture): string =>
  [camera, frameTimeMs, ...regions].join(' ');

/** By their schema. */
const KINDS: Readonly<Record<Envelope['schema'], SignedKind<Envelope>>> = {
  1: KIND,
  2: SHARED_KIND,
  3: GATHERED_KIND,
};
const NEWEST_KIND = KINDS[NEWEST_ENVELOPE];
const SCHEMAS = [1, 2, 3] as const;

/** Pictures and named regions that the ciphertext answers about, at one of its places. */
export function placesOf({ regions, others = [] }: Pick<Envelope, 'regions' | 'others'>): number {
  return [{ regions }, ...others].reduce((sum, one) => sum + (one.regions?.length ?? 1), 0);
}

/** The answers in an envelope, as if each had come by itself: their places in the ciphertext follow on one another. */
export function answersOf({ others, later, ...first }: Envelope): readonly Envelope[] {
  const { camera: _, regions: __, frameTimeMs: ___, ...common } = first;
  return [
    { ...first, schema: 1 },
    ...(others ?? later ?? []).map(
      (answer, i): Envelope => ({ ...common, ...answer, schema: 1, sequence: first.sequence + 1 + i }),
    ),
  ];
}

/** How many answers are gathered in its ciphertext, each at a place of its own. */
export function gatheredIn({ later = [] }: Pick<Envelope, 'later'>): number {
  return 1 + later.length;
}

/** How many answers are in an envelope. */
export function countAnswers({ others = [], later = [] }: Pick<Envelope, 'others' | 'later'>): number {
  return 1 + others.length + later.length;
}

/**
 * Signs an envelope with the gateway's Ed25519 private key and returns its wire form.
 * @throws BlindsightError ENVELOPE_INVALID if a field is out of its range.
 */
export function encodeEnvelope(envelope: Envelope, signingKey: KeyObject): Uint8Array {
  return encodeSigned(KINDS[envelope.schema], envelope, signingKey);
}

/**
 * Strict inverse of {@link encodeEnvelope}; the signature is *not* checked here.
 * @param maxBytes limit on the entire wire form.
 * @throws BlindsightError ENVELOPE_INVALID, and nothing else, for any other bytes.
 */
export function decodeEnvelope(bytes: Uint8Array, maxBytes: number): DecodedEnvelope {
  const signed = splitEnvelope(bytes, maxBytes);
  try {
    return readEnvelope(signed, 1);
  } catch (error) {
    for (const schema of [2, 3] as const)
      try {
        return readEnvelope(signed, schema);
      } catch {}
    throw error;
  }
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
 * @param schema that the signature is for; see {@link signedSchema}
 * @throws BlindsightError ENVELOPE_INVALID.
 */
export function readEnvelope(signed: Signed, schema: Envelope['schema']): DecodedEnvelope {
  return { envelope: readSigned(KINDS[schema], signed), ...signed };
}

/** Whether an envelope whose signature does not hold was signed by a later version of Blindsight with this Ed25519 public key. */
export function isLaterEnvelope(signed: Signed, publicKey: KeyObject): boolean {
  return isSignedByLaterVersion(NEWEST_KIND, signed, publicKey);
}

/** Whether bytes that do not decode are still an envelope, from a version of Blindsight that this one does not know. */
export function isUnknownEnvelope(bytes: Uint8Array, maxBytes: number, publicKey: KeyObject): boolean {
  return Object.values(KINDS).some((kind) => isOtherVersion(kind, bytes, maxBytes, publicKey));
}

/** Whether the envelope was signed by the owner of this Ed25519 public key. */
export function verifyEnvelope(signed: Signed, publicKey: KeyObject): boolean {
  return signedSchema(signed, publicKey) !== null;
}

/** The schema for which the owner of this Ed25519 public key signed the envelope; null where he did not. */
export function signedSchema(signed: Signed, publicKey: KeyObject): Envelope['schema'] | null {
  return SCHEMAS.find((schema) => verifySigned(KINDS[schema], signed, publicKey)) ?? null;
}

/** What the signature of an envelope says under one key. */
export type EnvelopeSignature = {
  /** For which it was signed; null where it was not. */
  readonly schema: Envelope['schema'] | null;
  /** Whether a later version of Blindsight signed it; see {@link isLaterEnvelope}. */
  readonly isLater: boolean;
};

/** What {@link signedSchema} and {@link isLaterEnvelope} say, found in the threads of the platform: the event loop goes on. */
export async function readSignature(signed: Signed, publicKey: KeyObject): Promise<EnvelopeSignature> {
  for (const schema of SCHEMAS)
    if (await verifySignedAside(KINDS[schema], signed, publicKey)) return { schema, isLater: false };
  return { schema: null, isLater: await isSignedByLaterVersionAside(NEWEST_KIND, signed, publicKey) };
}

/** SHA-256, hex, of a message's payload bytes as published: the name that a receipt uses for it. */
export function envelopeDigest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
