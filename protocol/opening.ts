import { hkdfSync, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { decodeCanonical, encodeCanonical } from './cbor.ts';
import { type Envelope, MAX_GATHERED } from './envelope.ts';
import { BlindsightError } from './errors.ts';
import { hpkeOpen } from './hpke-open.ts';
import { hpkeSeal } from './hpke-seal.ts';

/** What an answer was computed from: with the bundle and the place of the answer it determines the answer's bytes, on every machine. */
export type Opening = {
  /** The prepared pictures before their light is normalized: regions × channels × height × width bytes. Of answers that were gathered one after the other. */
  readonly picture: Uint8Array;
  /** 32 random bytes; the randomness of the encryption follows from them and from the {@link AnswerPlace}. As many for each answer that was gathered. */
  readonly seed: Uint8Array;
};

/**
 * What an answer is about, as its envelope says. It enters the encryption, so that an answer shown again under another date, camera or
 * bundle does not fit its opening. Session and sequence are not in it: a gateway may have to number a waiting answer anew.
 */
export type AnswerPlace = Pick<
  Envelope,
  'site' | 'gateway' | 'camera' | 'regions' | 'frameTimeMs' | 'others' | 'bundle'
>;

export const OPENING_SEED_BYTES = 32;
/** Largest sealed opening: 64 regions of 256 × 256 in three colors would be more, and are refused. */
export const OPENING_MAX_BYTES = 1_048_576;
const SEAL_INFO = new TextEncoder().encode('blindsight opening 1');

const Shape = z.tuple([
  z.instanceof(Uint8Array).refine((picture) => picture.length > 0, 'a picture'),
  z
    .instanceof(Uint8Array)
    .refine(
      ({ length }) =>
        length > 0 && length % OPENING_SEED_BYTES === 0 && length <= MAX_GATHERED * OPENING_SEED_BYTES,
      '32 bytes for each answer',
    ),
]);

/** One opening of answers that were gathered, each of its own; the bytes of these are wiped. */
export function joinOpenings(openings: readonly Opening[]): Opening {
  const joined = {
    picture: Uint8Array.from(Buffer.concat(openings.map(({ picture }) => picture))),
    seed: Uint8Array.from(Buffer.concat(openings.map(({ seed }) => seed))),
  };
  for (const { picture, seed } of openings) for (const secret of [picture, seed]) secret.fill(0);
  return joined;
}

/** What {@link joinOpenings} joined, sharing its bytes; null where these are not of so many answers alike. */
export function splitOpening({ picture, seed }: Opening, count: number): readonly Opening[] | null {
  if (seed.length !== count * OPENING_SEED_BYTES || picture.length % count !== 0) return null;
  const part = (bytes: Uint8Array, i: number) =>
    bytes.subarray((i * bytes.length) / count, ((i + 1) * bytes.length) / count);
  return Array.from({ length: count }, (_, i) => ({ picture: part(picture, i), seed: part(seed, i) }));
}

/** The 32 bytes that the engine encrypts with: HKDF-SHA256 (RFC 5869) of the opening's seed, with the place as its info. */
export function encryptionSeed(seed: Uint8Array, place: AnswerPlace): Uint8Array {
  const { site, gateway, camera, regions = null, frameTimeMs, others, bundle } = place;
  const further = others?.map((one) => [one.camera, one.regions ?? null, one.frameTimeMs]);
  const info = encodeCanonical([
    `blindsight encryption ${further === undefined ? 1 : 2}`,
    ...[site, gateway, camera, regions, frameTimeMs, bundle],
    ...(further === undefined ? [] : [further]),
  ]);
  return new Uint8Array(hkdfSync('sha256', seed, new Uint8Array(), info, OPENING_SEED_BYTES));
}

/**
 * Seals an opening to the auditor: HPKE (RFC 9180) in base mode with X25519, HKDF-SHA256 and AES-256-GCM.
 *
 * @param publicKey X25519, the auditor's
 * @param answer SHA-256, hex, of the answer's ciphertext; authenticated, so that no opening can be shown for another answer
 * @returns encapsulated key (32 bytes), then ciphertext with its tag
 */
export function sealOpening(publicKey: KeyObject, opening: Opening, answer: string): Uint8Array {
  const plain = encodeCanonical([opening.picture, opening.seed]);
  const sealed = hpkeSeal(publicKey, plain, SEAL_INFO, new TextEncoder().encode(answer));
  plain.fill(0);
  return new Uint8Array(sealed);
}

/**
 * Inverse of {@link sealOpening}.
 *
 * @param privateKey X25519
 * @throws BlindsightError OPENING_INVALID if it was sealed to another key or for another answer, was changed, or is no opening
 */
export async function openOpening(
  privateKey: KeyObject,
  sealed: Uint8Array,
  answer: string,
): Promise<Opening> {
  const refused = (cause?: unknown) =>
    new BlindsightError('OPENING_INVALID', 'an opening was not sealed to this auditor for this answer', {
      cause,
    });
  if (sealed.length > OPENING_MAX_BYTES) throw refused();
  try {
    const plain = await hpkeOpen(privateKey, sealed, SEAL_INFO, new TextEncoder().encode(answer));
    const [picture, seed] = Shape.parse(decodeCanonical(plain));
    return { picture, seed };
  } catch (cause) {
    throw refused(cause);
  }
}
