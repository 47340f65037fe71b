import { createCipheriv } from 'node:crypto';
import { FheError } from '../errors.ts';

/** Bytes of a seed. Product code takes every seed from `crypto.randomBytes`; samplers are pure functions of it. */
export const SEED_BYTES = 32;

/**
 * What a stream is used for; the first byte of its nonce, so that one seed never yields the same bytes twice.
 * The numbers are part of the serialized formats: never renumber.
 */
export const StreamPurpose = {
  ciphertext: 1,
  keySwitchKey: 2,
  ternary: 3,
  error: 4,
  ringSwitchKey: 5,
} as const;
export type StreamPurpose = (typeof StreamPurpose)[keyof typeof StreamPurpose];

/** Which polynomial of a seed is sampled: key-switching digit (0 elsewhere) and limb (position in q₀ … q_L, P). */
export type StreamIndex = { readonly digit: number; readonly limb: number };

/**
 * The keystream of AES-256-CTR under `seed`. The initial counter block is: byte 0 purpose, byte 1 zero, bytes 2–3 digit and bytes
 * 4–5 limb (both big-endian), bytes 6–7 zero, bytes 8–15 the block counter from 0. A stream stays far below 2^64 blocks, so
 * streams never overlap.
 *
 * @returns a function that returns the next `length` bytes.
 */
function openStream(seed: Uint8Array, purpose: StreamPurpose, index: StreamIndex) {
  if (seed.length !== SEED_BYTES) {
    throw new FheError('FHE_STATE', `seed of ${seed.length} bytes: expected ${SEED_BYTES}`);
  }
  const nonce = Buffer.alloc(16);
  nonce.writeUInt8(purpose, 0);
  nonce.writeUInt16BE(index.digit, 2);
  nonce.writeUInt16BE(index.limb, 4);
  const cipher = createCipheriv('aes-256-ctr', seed, nonce);
  return (length: number): Buffer =>
    cipher.update(length > ZEROS.length ? new Uint8Array(length) : ZEROS.subarray(0, length));
}

/** What the keystream is added to, so that it stands alone: enough for a limb of the largest ring at a time. */
const ZEROS = new Uint8Array(2 ** 19);

/**
 * Uniform residues modulo the prime q < 2^30: consecutive 32-bit little-endian words of the stream, cut to the bit length of q, taken in
 * order if below q and skipped otherwise. Written into `out` (one limb).
 */
export function sampleUniform(
  out: Uint32Array,
  q: number,
  seed: Uint8Array,
  purpose: StreamPurpose,
  index: StreamIndex,
): void {
  const next = openStream(seed, purpose, index);
  const mask = 2 ** Math.ceil(Math.log2(q)) - 1;
  for (let filled = 0; filled < out.length; ) {
    // Whole AES blocks, so that the words do not depend on how many are drawn at a time.
    const bytes = next(Math.ceil((out.length - filled) * 0.275) * 16);
    // All supported machines are little-endian, and a buffer of its own begins at a multiple of eight.
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
    for (let at = 0; at < words.length && filled < out.length; at++) {
      const word = words[at]! & mask;
      if (word < q) out[filled++] = word;
    }
  }
}

/** `count` values in {−1, 0, 1}, uniform: bytes below 255 modulo 3, minus 1. */
export function sampleTernary(count: number, seed: Uint8Array): Int8Array {
  const next = openStream(seed, StreamPurpose.ternary, { digit: 0, limb: 0 });
  const out = new Int8Array(count);
  for (let filled = 0; filled < count; ) {
    const bytes = next(Math.ceil((count - filled) / 16 + 1) * 16);
    for (let at = 0; at < bytes.length && filled < count; at++) {
      const byte = bytes[at]!;
      if (byte < 255) out[filled++] = (byte % 3) - 1;
    }
  }
  return out;
}

/**
 * `count` errors from the centered binomial distribution of 21 + 21 bits, as SEAL samples them: six bytes a value, the
 * difference of the bit counts of the two halves with the top three bits of bytes 2 and 5 masked off.
 * σ = √(42/4) ≈ 3.24, |e| ≤ 21.
 *
 * @param index separates the errors of one secret seed (a key-switching key draws one polynomial for each digit).
 */
export function sampleError(count: number, seed: Uint8Array, index: StreamIndex): Int8Array {
  const bytes = openStream(seed, StreamPurpose.error, index)(count * 6);
  const out = new Int8Array(count);
  for (let i = 0, at = 0; i < count; i++, at += 6) {
    out[i] =
      bitCount(bytes[at]!) +
      bitCount(bytes[at + 1]!) +
      bitCount(bytes[at + 2]! & 0x1f) -
      bitCount(bytes[at + 3]!) -
      bitCount(bytes[at + 4]!) -
      bitCount(bytes[at + 5]! & 0x1f);
  }
  return out;
}

/** Ones in a byte. */
function bitCount(byte: number): number {
  const pairs = byte - ((byte >>> 1) & 0x55);
  const nibbles = (pairs & 0x33) + ((pairs >>> 2) & 0x33);
  return (nibbles + (nibbles >>> 4)) & 0x0f;
}

/** Writes small signed values as residues modulo q. */
export function liftSmall(out: Uint32Array, values: Int8Array, q: number): void {
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    // Branch-free, because errors and ternary values are secret: (value >> 31) is −1 for a negative value.
    out[i] = value + (q & (value >> 31));
  }
}
