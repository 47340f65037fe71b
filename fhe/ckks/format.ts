import { createHash } from 'node:crypto';
import { FheError } from '../errors.ts';
import { packBits, packedBytes, residueBits, unpackBits } from './bit-packing.ts';
import { asSource, type ByteSource } from './byte-source.ts';
import type { ParametersLiteral } from './parameters.ts';

/**
 * The frame that all serialized forms share, little-endian, every block 8-byte aligned:
 *
 * | offset | bytes | content |
 * |---|---|---|
 * | 0 | 4 | magic 'BSFH' |
 * | 4 | 1 | version of the kind, see {@link VERSIONS} |
 * | 5 | 1 | kind, see {@link Kind} |
 * | 6 | 2 | zero |
 * | 8 | 16 | digest of the parameters, see {@link parametersDigest} |
 * | 24 | | body |
 */
export const HEADER_BYTES = 24;

const MAGIC = 0x48465342;
const DIGEST_BYTES = 16;

/** Kind byte. The numbers are part of the format: never renumber. */
export const Kind = {
  ciphertext: 1,
  publicKey: 2,
  evaluationKeys: 3,
  constants: 4,
  secretKey: 5,
  answer: 6,
} as const;
export type Kind = (typeof Kind)[keyof typeof Kind];

/** Version 1 of the first four kinds used 4 bytes for a residue; since version 2 residues are packed. */
const VERSIONS: Readonly<Record<Kind, number>> = { 1: 2, 2: 2, 3: 2, 4: 2, 5: 1, 6: 1 };

/** Bytes of one polynomial: a limb for each of `primes`, each packed to the bit length of its prime. */
export function polynomialBytes(primes: readonly number[], degree: number): number {
  return primes.reduce((sum, q) => sum + packedBytes(degree, residueBits(q)), 0);
}

/** The first 16 bytes of the SHA-256 of N, the numbers of primes and the primes, each as 32-bit little-endian words. */
export function parametersDigest(parameters: ParametersLiteral): Uint8Array {
  const { ringDegree, moduli, specialModuli } = parameters;
  const words = Uint32Array.of(ringDegree, moduli.length, specialModuli.length, ...moduli, ...specialModuli);
  const bytes = Buffer.alloc(words.length * 4);
  words.forEach((word, i) => {
    bytes.writeUInt32LE(word, i * 4);
  });
  return createHash('sha256')
    .update('blindsight/fhe/parameters/1')
    .update(bytes)
    .digest()
    .subarray(0, DIGEST_BYTES);
}

/** Writes one serialized form front to back into a buffer of exactly the announced size. */
export class FormatWriter {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(kind: Kind, parameters: ParametersLiteral, bodyBytes: number) {
    this.bytes = new Uint8Array(HEADER_BYTES + bodyBytes);
    this.#view = new DataView(this.bytes.buffer);
    this.u32(MAGIC);
    this.u8(VERSIONS[kind]);
    this.u8(kind);
    this.u8(0);
    this.u8(0);
    this.raw(parametersDigest(parameters));
  }

  u8(value: number): void {
    this.#view.setUint8(this.#at, value);
    this.#at += 1;
  }

  u32(value: number): void {
    this.#view.setUint32(this.#at, value, true);
    this.#at += 4;
  }

  f64(value: number): void {
    this.#view.setFloat64(this.#at, value, true);
    this.#at += 8;
  }

  raw(bytes: Uint8Array): void {
    this.bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  /**
   * Polynomials of a limb for each of `primes`, every limb packed to the bit length of its prime. All supported machines are
   * little-endian, so that words are bytes in order.
   */
  residues(values: Uint32Array, primes: readonly number[], degree: number): void {
    for (let limb = 0; limb * degree < values.length; limb++) {
      const bits = residueBits(primes[limb % primes.length]!);
      const words = new Uint32Array(packedBytes(degree, bits) / 4);
      packBits(values.subarray(limb * degree, (limb + 1) * degree), bits, words);
      this.raw(new Uint8Array(words.buffer));
    }
  }

  /** The finished bytes. @throws FheError FHE_STATE if the announced size was not met (a bug). */
  finish(): Uint8Array {
    if (this.#at !== this.bytes.length) {
      throw new FheError('FHE_STATE', `wrote ${this.#at} bytes where ${this.bytes.length} were announced`);
    }
    return this.bytes;
  }
}

/**
 * Reads one serialized form front to back. Every method throws FheError FHE_FORMAT instead of reading past the end, and
 * checks residues against their prime.
 */
export class FormatReader {
  readonly #source: ByteSource;
  readonly #what: string;
  #at = 0;

  /** Checks the header. @param what names the object in messages, for example `ciphertext`. */
  constructor(kind: Kind, parameters: ParametersLiteral, bytes: Uint8Array | ByteSource, what: string) {
    this.#source = asSource(bytes);
    this.#what = what;
    if (this.u32() !== MAGIC) this.fail('the magic bytes are not BSFH');
    const version = this.u8();
    const actual = this.u8();
    if (actual !== kind) this.fail(`kind ${actual}: expected ${kind}`);
    const known = VERSIONS[kind];
    if (version < known) {
      this.fail(
        `format version ${version} is of an older release, which must make it anew: expected ${known}`,
      );
    }
    if (version > known) this.fail(`format version ${version} is of a newer release: expected ${known}`);
    this.zeros(2);
    if (Buffer.compare(this.raw(DIGEST_BYTES), parametersDigest(parameters)) !== 0) {
      this.fail('it was made for other parameters');
    }
  }

  /** @throws FheError FHE_FORMAT always. */
  fail(reason: string): never {
    throw new FheError('FHE_FORMAT', `${this.#what}: ${reason}`);
  }

  /** Bytes of the whole form. */
  get length(): number {
    return this.#source.length;
  }

  #skip(length: number): number {
    const at = this.#at;
    const end = at + length;
    if (end > this.#source.length) this.fail(`ends at byte ${this.#source.length}: expected at least ${end}`);
    this.#at = end;
    return at;
  }

  #view(length: number): DataView {
    const bytes = this.raw(length);
    return new DataView(bytes.buffer, bytes.byteOffset, length);
  }

  u8(): number {
    return this.raw(1)[0]!;
  }

  u32(): number {
    return this.#view(4).getUint32(0, true);
  }

  f64(): number {
    return this.#view(8).getFloat64(0, true);
  }

  /** A view, not a copy: valid until more is read. */
  raw(length: number): Uint8Array {
    return this.#source.read(this.#skip(length), length);
  }

  zeros(length: number): void {
    if (this.raw(length).some((byte) => byte !== 0)) this.fail('a reserved byte is not zero');
  }

  /** A positive, finite scale. */
  scale(): number {
    const scale = this.f64();
    if (!(scale >= 1 && scale <= 2 ** 200)) this.fail(`scale ${scale}: expected 1 to 2^200`);
    return scale;
  }

  /** A level that exists in `parameters`. */
  level(parameters: ParametersLiteral): number {
    const level = this.u8();
    if (level >= parameters.moduli.length) {
      this.fail(`level ${level}: expected at most ${parameters.moduli.length - 1}`);
    }
    return level;
  }

  /**
   * `polynomials` × `primes` limbs of `degree` residues, each checked against its prime. An aligned copy.
   */
  residues(polynomials: number, primes: readonly number[], degree: number): Uint32Array {
    // Check the length before allocating.
    let at = this.#skip(polynomials * polynomialBytes(primes, degree));
    const values = new Uint32Array(polynomials * primes.length * degree);
    for (let limb = 0; limb < polynomials * primes.length; limb++) {
      const q = primes[limb % primes.length]!;
      const bits = residueBits(q);
      const bytes = packedBytes(degree, bits);
      // A copy, because bytes may begin at any address; on a Buffer `slice` would be a view.
      const words = new Uint32Array(bytes / 4);
      new Uint8Array(words.buffer).set(this.#source.read(at, bytes));
      const largest = unpackBits(words, bits, values.subarray(limb * degree, (limb + 1) * degree));
      if (largest >= q) this.fail(`residue ${largest} is not below its prime ${q}`);
      at += bytes;
    }
    return values;
  }

  /** A copy of the bytes that {@link residues} would read, as they are: whoever unpacks them checks them. */
  packedResidues(polynomials: number, primes: readonly number[], degree: number): Uint8Array<ArrayBuffer> {
    return Uint8Array.from(this.raw(polynomials * polynomialBytes(primes, degree)));
  }

  /** Leaves out what {@link residues} would read. */
  skipResidues(polynomials: number, primes: readonly number[], degree: number): void {
    this.#skip(polynomials * polynomialBytes(primes, degree));
  }

  /** @throws FheError FHE_FORMAT if bytes are left over. */
  end(): void {
    const left = this.#source.length - this.#at;
    if (left !== 0) this.fail(`${left} bytes after its end`);
  }
}
