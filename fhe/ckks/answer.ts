import { FheError } from '../errors.ts';
import { createNtt } from '../ring/ntt.ts';
import { packBits, packedBytes, unpackBits } from './bit-packing.ts';
import type { Ciphertext } from './ciphertext.ts';
import { FormatReader, FormatWriter, HEADER_BYTES, Kind } from './format.ts';
import type { ParametersLiteral } from './parameters.ts';
import { ciphertextBytes, decodeCiphertext, encodeCiphertext } from './serialization.ts';

/** How the answer of one program is encoded. */
export type AnswerForm = {
  /** Bytes of an answer; in the compact form it has level 0 and size 2. */
  bytes(level: number, size: 2 | 3): number;
  encode(ciphertext: Ciphertext): Uint8Array;
  /** @throws FheError FHE_FORMAT as `decodeCiphertext`. */
  decode(bytes: Uint8Array): Ciphertext;
};

/**
 * Bits of a coefficient of c₀ and of c₁ in the compact form. Decryption is c₀ + c₁·s: the rounding error of c₁ grows √(2n/3) times (37
 * times at n = 2048), that of c₀ does not, so c₀ needs fewer bits. At q = 2^30 these errors are 148 and 2.3 · 37 = 85 in a coefficient;
 * with a modulus of 24 bits, at the same size, 680.
 */
const COMPACT_BITS = [21, 27] as const;

/** Of the scale. */
export const COMPACT_BODY_BYTES = 8;

/** Bits of a coefficient of c₀ and of c₁ modulo q; never above the modulus, so that different numbers mean different coefficients. */
export function compactBits(q: number): readonly [number, number] {
  const most = Math.floor(Math.log2(q));
  return [Math.min(COMPACT_BITS[0], most), Math.min(COMPACT_BITS[1], most)];
}

/**
 * @param parameters of the answers' ring.
 * @param compact for the small ring of results: coefficients, rounded to {@link COMPACT_BITS}. Otherwise all residues, as `encodeCiphertext`.
 */
export function createAnswerForm(parameters: ParametersLiteral, compact: boolean): AnswerForm {
  if (compact) return new CompactForm(parameters);
  return {
    bytes: (level, size) => ciphertextBytes(parameters, level, size),
    encode: (ciphertext) => encodeCiphertext(parameters, ciphertext),
    decode: (bytes) => decodeCiphertext(parameters, bytes),
  };
}

/** Body: scale (f64), then c₀ and c₁ as coefficients modulo a power of two, packed. Every bit pattern is valid. */
class CompactForm implements AnswerForm {
  readonly #parameters: ParametersLiteral;
  readonly #modulus: number;
  readonly #bits: readonly number[];
  #ntt: ReturnType<typeof createNtt> | null = null;

  constructor(parameters: ParametersLiteral) {
    this.#parameters = parameters;
    this.#modulus = parameters.moduli[0]!;
    this.#bits = compactBits(this.#modulus);
  }

  get #transform(): ReturnType<typeof createNtt> {
    this.#ntt ??= createNtt(this.#parameters.ringDegree, this.#modulus);
    return this.#ntt;
  }

  bytes(): number {
    const { ringDegree } = this.#parameters;
    return this.#bits.reduce(
      (sum, bits) => sum + packedBytes(ringDegree, bits),
      HEADER_BYTES + COMPACT_BODY_BYTES,
    );
  }

  encode({ size, level, scale, residues }: Ciphertext): Uint8Array {
    if (size !== 2 || level !== 0) {
      throw new FheError('FHE_STATE', `an answer of size ${size} and level ${level} has no compact form`);
    }
    const { ringDegree } = this.#parameters;
    const writer = new FormatWriter(Kind.answer, this.#parameters, this.bytes() - HEADER_BYTES);
    writer.f64(scale);
    this.#bits.forEach((bits, half) => {
      const values = residues.slice(half * ringDegree, (half + 1) * ringDegree);
      this.#transform.inverse(values);
      shorten(values, this.#modulus, bits);
      const words = new Uint32Array(packedBytes(ringDegree, bits) / 4);
      packBits(values, bits, words);
      writer.raw(new Uint8Array(words.buffer));
    });
    return writer.finish();
  }

  decode(bytes: Uint8Array): Ciphertext {
    const reader = new FormatReader(Kind.answer, this.#parameters, bytes, 'answer');
    const { ringDegree } = this.#parameters;
    const scale = reader.scale();
    const residues = new Uint32Array(2 * ringDegree);
    this.#bits.forEach((bits, half) => {
      const words = new Uint32Array(reader.raw(packedBytes(ringDegree, bits)).slice().buffer);
      const values = residues.subarray(half * ringDegree, (half + 1) * ringDegree);
      unpackBits(words, bits, values);
      lengthen(values, this.#modulus, bits);
    });
    reader.end();
    for (const half of [0, 1]) {
      this.#transform.forward(residues.subarray(half * ringDegree, (half + 1) * ringDegree));
    }
    return { size: 2, level: 0, scale, residues };
  }
}

/** v → round(v · 2^bits / q) modulo 2^bits, in place; v in [0, q), 2^bits < q. */
export function shorten(values: Uint32Array, q: number, bits: number): void {
  const power = 2 ** bits;
  for (let i = 0; i < values.length; i++) {
    // v · 2^bits is exact in float64, and one division rounds the same everywhere.
    values[i] = Math.round((values[i]! * power) / q) % power;
  }
}

/** v → round(v · q / 2^bits), in place and exact: in [0, q), as v is below 2^bits; 16 ≤ bits ≤ 29, q < 2^30. */
export function lengthen(values: Uint32Array, q: number, bits: number): void {
  const half = 2 ** (bits - 1);
  const [low, high] = [q % 2 ** 15, Math.floor(q / 2 ** 15)];
  for (let i = 0; i < values.length; i++) {
    // The product has up to 59 bits: its lower part first, then the rest, all of them whole numbers below 2^53.
    const carry = Math.floor((values[i]! * low + half) / 2 ** 15);
    values[i] = Math.floor((values[i]! * high + carry) / 2 ** (bits - 15));
  }
}
