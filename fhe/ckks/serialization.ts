import { SEED_BYTES, StreamPurpose, sampleUniform } from '../ring/samplers.ts';
import type { ByteSource } from './byte-source.ts';
import type { Ciphertext } from './ciphertext.ts';
import { FormatReader, FormatWriter, HEADER_BYTES, Kind, polynomialBytes } from './format.ts';
import type { ParametersLiteral } from './parameters.ts';

/**
 * A fresh symmetric encryption: the first polynomial, and the seed of the second. Limbs are those of q₀ … q_level, then,
 * for a `QP` ciphertext, those of the special primes. Decrypts to c₀ + c₁·s with c₁ from {@link expandSecondHalf}.
 */
export type SeededCiphertext = {
  readonly level: number;
  readonly scale: number;
  readonly modulus: 'Q' | 'QP';
  /** One polynomial: limb · N + coefficient, NTT form. */
  readonly first: Uint32Array;
  readonly seed: Uint8Array;
};

/** As SEAL's: an encryption of zero modulo all primes, p₀ + p₁·s = small. */
export type PublicKey = {
  /** (polynomial · (L + 1 + α) + limb) · N + coefficient; limbs q₀ … q_L, then the special primes; NTT form. */
  readonly residues: Uint32Array;
};

/** The public type of a seeded ciphertext, as a program declares its constants. */
export type SeededType = Pick<SeededCiphertext, 'level' | 'scale' | 'modulus'>;

const CIPHERTEXT_BODY_BYTES = 16;
const CONSTANT_BODY_BYTES = 16;
/** Maximum number of constants in one file; a guard, far above any network. */
export const MAX_CONSTANTS = 65_536;

/** The primes of a ciphertext's limbs, in order. */
export function limbPrimes(
  parameters: ParametersLiteral,
  level: number,
  modulus: 'Q' | 'QP' = 'Q',
): readonly number[] {
  const data = parameters.moduli.slice(0, level + 1);
  return modulus === 'QP' ? [...data, ...parameters.specialModuli] : data;
}

/**
 * Index of limb `limb`'s prime in q₀ … q_L, P: {@link sampleUniform} takes it, so that a level-truncated polynomial is a part of the full one.
 */
export function primePosition(parameters: ParametersLiteral, level: number, limb: number): number {
  return limb <= level ? limb : parameters.moduli.length + limb - level - 1;
}

/** Bytes of a serialized unseeded ciphertext. */
export function ciphertextBytes(parameters: ParametersLiteral, level: number, size: 2 | 3 = 2): number {
  const polynomial = polynomialBytes(limbPrimes(parameters, level), parameters.ringDegree);
  return HEADER_BYTES + CIPHERTEXT_BODY_BYTES + size * polynomial;
}

/**
 * Body: size (u8), level (u8), seeded 0 or 1 (u8), zero (5 bytes), scale (f64), then the residues; a seeded one holds its first
 * polynomial and the 32 bytes of the seed.
 */
export function encodeCiphertext(parameters: ParametersLiteral, ciphertext: Ciphertext): Uint8Array {
  const { size, level, scale, residues } = ciphertext;
  const bytes = ciphertextBytes(parameters, level, size);
  const writer = new FormatWriter(Kind.ciphertext, parameters, bytes - HEADER_BYTES);
  writer.u8(size);
  writer.u8(level);
  writer.raw(new Uint8Array(6));
  writer.f64(scale);
  writer.residues(residues, limbPrimes(parameters, level), parameters.ringDegree);
  return writer.finish();
}

/** As {@link encodeCiphertext}, at half the size, for a fresh symmetric encryption modulo Q. */
export function encodeSeededCiphertext(
  parameters: ParametersLiteral,
  ciphertext: SeededCiphertext,
): Uint8Array {
  const { level, scale, first, seed } = ciphertext;
  const primes = limbPrimes(parameters, level);
  const firstBytes = polynomialBytes(primes, parameters.ringDegree);
  const writer = new FormatWriter(
    Kind.ciphertext,
    parameters,
    CIPHERTEXT_BODY_BYTES + firstBytes + SEED_BYTES,
  );
  writer.u8(2);
  writer.u8(level);
  writer.u8(1);
  writer.raw(new Uint8Array(5));
  writer.f64(scale);
  writer.residues(first, primes, parameters.ringDegree);
  writer.raw(seed);
  return writer.finish();
}

/**
 * Reads a ciphertext, expanding the second half of a seeded one.
 *
 * @throws FheError FHE_FORMAT if a byte is not as described, the length is not exact, or a residue is not below its prime.
 */
export function decodeCiphertext(parameters: ParametersLiteral, bytes: Uint8Array): Ciphertext {
  const reader: FormatReader = new FormatReader(Kind.ciphertext, parameters, bytes, 'ciphertext');
  const size = reader.u8();
  if (size !== 2 && size !== 3) reader.fail(`size ${size}: expected 2 or 3`);
  const level = reader.level(parameters);
  const seeded = reader.u8();
  if (seeded > 1) reader.fail(`seed flag ${seeded}: expected 0 or 1`);
  if (seeded === 1 && size !== 2) reader.fail('only a ciphertext of size 2 can be seeded');
  reader.zeros(5);
  const scale = reader.scale();
  const primes = limbPrimes(parameters, level);
  const degree = parameters.ringDegree;
  if (seeded === 0) {
    const residues = reader.residues(size, primes, degree);
    reader.end();
    return { size, level, scale, residues };
  }
  const first = reader.residues(1, primes, degree);
  const seed = reader.raw(SEED_BYTES).slice();
  reader.end();
  return expandCiphertext(parameters, { level, scale, modulus: 'Q', first, seed });
}

/** The uniform second polynomial of a seeded ciphertext, limbs as in `first`, NTT form. */
export function expandSecondHalf(
  parameters: ParametersLiteral,
  type: Pick<SeededCiphertext, 'level' | 'modulus' | 'seed'>,
): Uint32Array {
  const primes = limbPrimes(parameters, type.level, type.modulus);
  const degree = parameters.ringDegree;
  const second = new Uint32Array(primes.length * degree);
  primes.forEach((q, limb) => {
    sampleUniform(
      second.subarray(limb * degree, (limb + 1) * degree),
      q,
      type.seed,
      StreamPurpose.ciphertext,
      { digit: 0, limb: primePosition(parameters, type.level, limb) },
    );
  });
  return second;
}

/** A seeded ciphertext modulo Q with both halves expanded; of a `QP` one, the part modulo Q. */
export function expandCiphertext(parameters: ParametersLiteral, seeded: SeededCiphertext): Ciphertext {
  const half = (seeded.level + 1) * parameters.ringDegree;
  const residues = new Uint32Array(2 * half);
  residues.set(seeded.first.subarray(0, half));
  residues.set(expandSecondHalf(parameters, { ...seeded, modulus: 'Q' }), half);
  return { size: 2, level: seeded.level, scale: seeded.scale, residues };
}

/** Body: the residues, as in {@link PublicKey}. */
export function encodePublicKey(parameters: ParametersLiteral, key: PublicKey): Uint8Array {
  const primes = limbPrimes(parameters, parameters.moduli.length - 1, 'QP');
  const writer = new FormatWriter(
    Kind.publicKey,
    parameters,
    2 * polynomialBytes(primes, parameters.ringDegree),
  );
  writer.residues(key.residues, primes, parameters.ringDegree);
  return writer.finish();
}

/** @throws FheError FHE_FORMAT as {@link decodeCiphertext}. */
export function decodePublicKey(parameters: ParametersLiteral, bytes: Uint8Array): PublicKey {
  const reader: FormatReader = new FormatReader(Kind.publicKey, parameters, bytes, 'public key');
  const primes = limbPrimes(parameters, parameters.moduli.length - 1, 'QP');
  const residues = reader.residues(2, primes, parameters.ringDegree);
  reader.end();
  return { residues };
}

function constantBytes(parameters: ParametersLiteral, type: SeededType): number {
  const primes = limbPrimes(parameters, type.level, type.modulus);
  return CONSTANT_BODY_BYTES + polynomialBytes(primes, parameters.ringDegree) + SEED_BYTES;
}

/** Bytes of a file of constants of these types. */
export function constantsBytes(parameters: ParametersLiteral, types: readonly SeededType[]): number {
  return types.reduce((sum, type) => sum + constantBytes(parameters, type), HEADER_BYTES + 8);
}

/**
 * Body: count (u32), zero (u32), then for each constant: level (u8), modulus 0 = Q, 1 = QP (u8), zero (6 bytes), scale (f64),
 * first polynomial, seed (32 bytes).
 */
export function encodeConstants(
  parameters: ParametersLiteral,
  constants: readonly SeededCiphertext[],
): Uint8Array {
  return encodeEachConstant(parameters, constants, constants);
}

/** As {@link encodeConstants}, of constants that are made one after the other. @param types of all of them */
export function encodeEachConstant(
  parameters: ParametersLiteral,
  types: readonly SeededType[],
  constants: Iterable<SeededCiphertext>,
): Uint8Array {
  const bodyBytes = constantsBytes(parameters, types) - HEADER_BYTES;
  const writer = new FormatWriter(Kind.constants, parameters, bodyBytes);
  writer.u32(types.length);
  writer.u32(0);
  for (const { level, modulus, scale, first, seed } of constants) {
    writer.u8(level);
    writer.u8(modulus === 'QP' ? 1 : 0);
    writer.raw(new Uint8Array(6));
    writer.f64(scale);
    writer.residues(first, limbPrimes(parameters, level, modulus), parameters.ringDegree);
    writer.raw(seed);
  }
  return writer.finish();
}

/**
 * Reads a file of constants; each must have exactly the type that the program declares.
 *
 * @throws FheError FHE_FORMAT as {@link decodeCiphertext}, and if number, level, modulus or scale differ from `types`.
 */
export function decodeConstants(
  parameters: ParametersLiteral,
  types: readonly SeededType[],
  bytes: Uint8Array | ByteSource,
): SeededCiphertext[] {
  const { ringDegree } = parameters;
  return [
    ...readConstantFile(parameters, types, bytes, (reader, { level, modulus }) => ({
      first: reader.residues(1, limbPrimes(parameters, level, modulus), ringDegree),
    })),
  ];
}

/** A constant of a file whose residues are yet to be unpacked and checked. */
export type PackedConstant = Omit<SeededCiphertext, 'first'> & { readonly packed: Uint8Array<ArrayBuffer> };

/** As {@link decodeConstants}, one after the other and not unpacked: of a file of gigabytes only one need be in memory. */
export function* readPackedConstants(
  parameters: ParametersLiteral,
  types: readonly SeededType[],
  bytes: Uint8Array | ByteSource,
): Generator<PackedConstant> {
  const { ringDegree } = parameters;
  yield* readConstantFile(parameters, types, bytes, (reader, { level, modulus }) => ({
    packed: reader.packedResidues(1, limbPrimes(parameters, level, modulus), ringDegree),
  }));
}

function* readConstantFile<T>(
  parameters: ParametersLiteral,
  types: readonly SeededType[],
  bytes: Uint8Array | ByteSource,
  read: (reader: FormatReader, type: SeededType) => T,
): Generator<T & SeededType & Pick<SeededCiphertext, 'seed'>> {
  const reader: FormatReader = new FormatReader(Kind.constants, parameters, bytes, 'constants');
  const count = reader.u32();
  if (count > MAX_CONSTANTS || count !== types.length) {
    reader.fail(`${count} constants: the program has ${types.length}`);
  }
  reader.zeros(4);
  const expectedBytes = constantsBytes(parameters, types);
  if (bytes.length !== expectedBytes) {
    reader.fail(`${bytes.length} bytes: the program's constants take ${expectedBytes}`);
  }
  for (const [index, type] of types.entries()) {
    const level = reader.level(parameters);
    const flag = reader.u8();
    const modulus = flag === 1 ? 'QP' : 'Q';
    reader.zeros(6);
    const scale = reader.scale();
    if (flag > 1 || level !== type.level || modulus !== type.modulus || scale !== type.scale) {
      reader.fail(`constant ${index} has another level, scale or modulus than the program says`);
    }
    const residues = read(reader, { level, scale, modulus });
    yield { ...residues, level, scale, modulus, seed: Uint8Array.from(reader.raw(SEED_BYTES)) };
  }
  reader.end();
}
