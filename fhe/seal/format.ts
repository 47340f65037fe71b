import { FheError } from '../errors.ts';

/**
 * SEAL 4.1's binary format, little-endian, as far as we need it (taken from its `save` functions):
 * every object begins with a header of 16 bytes: magic 0xA15E, header size 16, version 4.1, compression 0, two zero bytes, total size (u64).
 *
 * - DynArray: header, count (u64), residues (u64 each).
 * - Plaintext, SecretKey: header, level identity (32), coefficient count (u64), scale (f64), DynArray.
 * - Ciphertext, PublicKey: header, level identity (32), NTT form (u8), size, N, limbs (u64 each), scale (f64), correction factor
 *   (u64, 1), DynArray.
 * - KSwitchKeys: header, key identity (32), count (u64), then for each index: digits (u64), that many PublicKeys.
 */
const HEADER_BYTES = 16;
const CIPHERTEXT_BYTES = HEADER_BYTES + 32 + 1 + 3 * 8 + 8 + 8;
const ARRAY_BYTES = HEADER_BYTES + 8;
const PLAINTEXT_BYTES = HEADER_BYTES + 32 + 8 + 8;

/** The fields of a Ciphertext or PublicKey of SEAL. */
export type SealCiphertextFields = {
  readonly id: Uint8Array;
  readonly size: number;
  readonly degree: number;
  readonly limbs: number;
  readonly scale: number;
  readonly residues: Uint32Array;
};

function writeHeader(view: DataView, at: number, totalBytes: number): void {
  view.setUint16(at, 0xa15e, true);
  view.setUint8(at + 2, HEADER_BYTES);
  view.setUint8(at + 3, 4);
  view.setUint8(at + 4, 1);
  view.setBigUint64(at + 8, BigInt(totalBytes), true);
}

function writeArray(bytes: Uint8Array, at: number, residues: Uint32Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  writeHeader(view, at, ARRAY_BYTES + residues.length * 8);
  view.setBigUint64(at + HEADER_BYTES, BigInt(residues.length), true);
  for (let i = 0, to = at + ARRAY_BYTES; i < residues.length; i++, to += 8) {
    view.setUint32(to, residues[i]!, true);
  }
}

function readArray(bytes: Uint8Array, at: number, expectedCount: number): Uint32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = Number(view.getBigUint64(at + HEADER_BYTES, true));
  if (count !== expectedCount || at + ARRAY_BYTES + count * 8 !== bytes.length) {
    throw new FheError('FHE_FORMAT', `SEAL wrote ${count} residues: expected ${expectedCount}`);
  }
  const residues = new Uint32Array(count);
  for (let i = 0, from = at + ARRAY_BYTES; i < count; i++, from += 8) {
    residues[i] = view.getUint32(from, true);
  }
  return residues;
}

/** Bytes of a Ciphertext with `count` residues. */
function ciphertextBytes(count: number): number {
  return CIPHERTEXT_BYTES + ARRAY_BYTES + count * 8;
}

function writeCiphertextAt(bytes: Uint8Array, at: number, fields: SealCiphertextFields): number {
  const total = ciphertextBytes(fields.residues.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  writeHeader(view, at, total);
  bytes.set(fields.id, at + 16);
  view.setUint8(at + 48, 1);
  view.setBigUint64(at + 49, BigInt(fields.size), true);
  view.setBigUint64(at + 57, BigInt(fields.degree), true);
  view.setBigUint64(at + 65, BigInt(fields.limbs), true);
  view.setFloat64(at + 73, fields.scale, true);
  view.setBigUint64(at + 81, 1n, true);
  writeArray(bytes, at + CIPHERTEXT_BYTES, fields.residues);
  return at + total;
}

/** A Ciphertext or PublicKey for SEAL's `load`. */
export function writeSealCiphertext(fields: SealCiphertextFields): Uint8Array {
  const bytes = new Uint8Array(ciphertextBytes(fields.residues.length));
  writeCiphertextAt(bytes, 0, fields);
  return bytes;
}

/** Output of SEAL's `save`, without compression. */
export function readSealCiphertext(bytes: Uint8Array): SealCiphertextFields {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = Number(view.getBigUint64(49, true));
  const degree = Number(view.getBigUint64(57, true));
  const limbs = Number(view.getBigUint64(65, true));
  if (view.getUint8(48) !== 1)
    throw new FheError('FHE_FORMAT', 'SEAL wrote a ciphertext in coefficient form');
  return {
    id: bytes.slice(16, 48),
    size,
    degree,
    limbs,
    scale: view.getFloat64(73, true),
    residues: readArray(bytes, CIPHERTEXT_BYTES, size * limbs * degree),
  };
}

/** A Plaintext or SecretKey in NTT form for SEAL's `load`. */
export function writeSealPlaintext(id: Uint8Array, scale: number, residues: Uint32Array): Uint8Array {
  const total = PLAINTEXT_BYTES + ARRAY_BYTES + residues.length * 8;
  const bytes = new Uint8Array(total);
  const view = new DataView(bytes.buffer);
  writeHeader(view, 0, total);
  bytes.set(id, 16);
  view.setBigUint64(48, BigInt(residues.length), true);
  view.setFloat64(56, scale, true);
  writeArray(bytes, PLAINTEXT_BYTES, residues);
  return bytes;
}

/** The residues of a Plaintext or SecretKey that SEAL's `save` wrote. */
export function readSealPlaintext(bytes: Uint8Array, expectedCount: number): Uint32Array {
  return readArray(bytes, PLAINTEXT_BYTES, expectedCount);
}

/**
 * A KSwitchKeys with `count` indices, of which only `index` holds a key: one PublicKey for each digit.
 */
export function writeSealKeySwitchKey(
  id: Uint8Array,
  count: number,
  index: number,
  digits: readonly SealCiphertextFields[],
): Uint8Array {
  const total =
    HEADER_BYTES +
    32 +
    8 +
    count * 8 +
    digits.reduce((sum, digit) => sum + ciphertextBytes(digit.residues.length), 0);
  const bytes = new Uint8Array(total);
  const view = new DataView(bytes.buffer);
  writeHeader(view, 0, total);
  bytes.set(id, 16);
  view.setBigUint64(48, BigInt(count), true);
  // Empty indices are a zero count of 8 bytes.
  let at = 56 + index * 8;
  view.setBigUint64(at, BigInt(digits.length), true);
  at += 8;
  for (const digit of digits) at = writeCiphertextAt(bytes, at, digit);
  return bytes;
}
