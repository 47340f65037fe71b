import { FheError } from '../errors.ts';
import { COMPACT_BODY_BYTES, compactBits } from './answer.ts';
import { packBits, packedBytes, unpackBits } from './bit-packing.ts';
import { HEADER_BYTES } from './format.ts';
import type { ParametersLiteral } from './parameters.ts';

/**
 * Several answers of one program in the bytes of one: Σ X^i · answerᵢ.
 *
 * An answer that repeats itself `places` times in the slots of the small ring is a polynomial in X^places, so multiplied by X^i it has the coefficients ≡ i modulo `places` for
 * itself: no key is needed, and none of the answers can reach the coefficients of another, whatever it is. The compact form holds coefficients modulo powers of two, so sums are
 * exact, and the same bytes on every machine, whichever interpreter made the answers. Noise does fill all coefficients; but the copies that it was spread over are gone, so that
 * each place has that of `places` answers divided by `places`: what a slot of one answer has.
 */
export class Gathering {
  readonly #bits: readonly [number, number];
  readonly #degree: number;
  /** Coefficients of both halves, modulo 2^32: each modulus divides that. */
  readonly #sums: readonly [Uint32Array, Uint32Array];
  readonly #places: number;
  #head: Uint8Array | null = null;
  #count = 0;

  /**
   * @param parameters of the answers' ring
   * @param places how often an answer repeats itself in its slots
   */
  constructor(parameters: ParametersLiteral, places: number) {
    this.#bits = compactBits(parameters.moduli[0]!);
    this.#degree = parameters.ringDegree;
    this.#places = places;
    this.#sums = [new Uint32Array(this.#degree), new Uint32Array(this.#degree)];
  }

  /** Answers so far: the next one has this place. */
  get count(): number {
    return this.#count;
  }

  /**
   * Takes the next place.
   *
   * @throws FheError FHE_RANGE where all are taken; FHE_FORMAT for bytes that do not begin as the first answer does: with its parameters and scale
   */
  add(answer: Uint8Array): void {
    if (this.#count === this.#places) throw new FheError('FHE_RANGE', `all ${this.#places} places are taken`);
    const head = answer.subarray(0, HEAD_BYTES);
    this.#head ??= head.slice();
    const bytes = HEAD_BYTES + this.#bits.reduce((sum, bits) => sum + packedBytes(this.#degree, bits), 0);
    if (answer.length !== bytes || Buffer.compare(head, this.#head) !== 0)
      throw new FheError('FHE_FORMAT', 'answers of different programs have no sum');
    const values = new Uint32Array(this.#degree);
    let at = HEAD_BYTES;
    this.#bits.forEach((bits, half) => {
      const length = packedBytes(this.#degree, bits);
      const words = new Uint32Array(answer.slice(at, at + length).buffer);
      unpackBits(words, bits, values);
      addShifted(this.#sums[half as 0 | 1], values, this.#count);
      at += length;
    });
    this.#count++;
  }

  /** The answers in one. @throws FheError FHE_STATE where there are none */
  finish(): Uint8Array {
    if (this.#head === null) throw new FheError('FHE_STATE', 'no answers');
    const parts: Uint8Array[] = [this.#head];
    this.#bits.forEach((bits, half) => {
      const mask = 2 ** bits - 1;
      const words = new Uint32Array(packedBytes(this.#degree, bits) / 4);
      packBits(
        this.#sums[half as 0 | 1].map((value) => value & mask),
        bits,
        words,
      );
      parts.push(new Uint8Array(words.buffer));
    });
    return new Uint8Array(Buffer.concat(parts));
  }
}

const HEAD_BYTES = HEADER_BYTES + COMPACT_BODY_BYTES;

/** sums += X^shift · values, in the ring of X^N + 1, modulo 2^32. */
function addShifted(sums: Uint32Array, values: Uint32Array, shift: number): void {
  const degree = sums.length;
  for (let i = 0; i < degree - shift; i++) sums[i + shift] = sums[i + shift]! + values[i]!;
  for (let i = degree - shift; i < degree; i++) {
    const to = i + shift - degree;
    sums[to] = sums[to]! - values[i]!;
  }
}
