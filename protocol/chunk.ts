import { z } from 'zod';
import { decodeCanonical, encodeCanonical } from './cbor.ts';
import { BlindsightError } from './errors.ts';
import { BUNDLE_PARTS, type BundlePartName } from './manifest.ts';
import { Digest } from './names.ts';
import { SOFTWARE_PART } from './software.ts';

/** Bytes of one piece of a part of a bundle, or of a release of software; CBOR on the wire. */
export type Chunk = {
  /** Digest of the manifest of bundle or software. */
  readonly bundle: string;
  readonly part: BundlePartName | typeof SOFTWARE_PART;
  /** Chunk number; its offset is number × chunkBytes. */
  readonly number: number;
  readonly data: Uint8Array;
};

/** Payload bytes of a chunk: below the 128 KB of AWS IoT, the smallest message limit of any broker we know. */
export const CHUNK_BYTES = 65_536;

/** Room for the map around the data. */
const MAX_BYTES = CHUNK_BYTES + 512;

const Shape = z.strictObject({
  bundle: Digest,
  part: z.enum([...BUNDLE_PARTS, SOFTWARE_PART]),
  number: z.number().int().nonnegative(),
  data: z
    .instanceof(Uint8Array)
    .refine((data) => data.length > 0 && data.length <= CHUNK_BYTES, `1 to ${CHUNK_BYTES} bytes of data`),
});

/**
 * Wire form of a chunk. It is not signed: the manifest's SHA-256 of the entire part covers it.
 * @throws BlindsightError CHUNK_INVALID if a field is out of its range.
 */
export function encodeChunk(chunk: Chunk): Uint8Array {
  return encodeCanonical(check(chunk));
}

/**
 * Strict inverse of {@link encodeChunk}.
 * @throws BlindsightError CHUNK_INVALID, and nothing else, for any other bytes.
 */
export function decodeChunk(bytes: Uint8Array): Chunk {
  if (bytes.length > MAX_BYTES) {
    throw new BlindsightError(
      'CHUNK_INVALID',
      `chunk of ${bytes.length} bytes, at most ${MAX_BYTES} are allowed`,
    );
  }
  let value: unknown;
  try {
    value = decodeCanonical(bytes);
  } catch (cause) {
    throw new BlindsightError('CHUNK_INVALID', 'chunk: not deterministic CBOR', { cause });
  }
  return check(value);
}

function check(value: unknown): Chunk {
  const result = Shape.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new BlindsightError('CHUNK_INVALID', `chunk: ${issue?.path.join('.') || 'value'}: ${issue?.message}`);
}
