import { writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { packedBytes, residueBits, unpackBits } from '../../ckks/bit-packing.ts';
import { FheError, type FheErrorCode } from '../../errors.ts';
import { toMontgomery } from '../../ring/modular.ts';
import { type StreamPurpose, sampleUniform } from '../../ring/samplers.ts';
import { interleave } from '../evaluator/keys.ts';
import type { Address } from '../memory/arena.ts';
import { type OpenFile, type PlacedPart, writing } from './streamed-file.ts';

/** A constant or key as it is in its file, and where it goes. Can be sent to a thread. */
export type PackedItem = {
  /** What it is, for messages. */
  readonly what: string;
  /** Residues of the half that is stored, digit after digit, limb after limb. */
  readonly packed: Uint8Array<ArrayBuffer>;
  /** Of the other half. */
  readonly seed: Uint8Array;
  readonly purpose: StreamPurpose;
  /** Polynomials of each half: 1 for a constant. */
  readonly digits: number;
  /** Of the limbs of a polynomial. */
  readonly positions: readonly number[];
  /** Where both halves go as they are, all limbs of the one before those of the other; null where nobody wants them. */
  readonly plain: Address | null;
  /** Where both halves go in Montgomery form: like the plain ones, or interleaved for a key, prime after prime. */
  readonly montgomery: Address | null;
  readonly isKey: boolean;
  /** The same in the file behind the window. */
  readonly parts: readonly PlacedPart[];
};

/** What expanding needs besides the items. Can be sent to a thread. */
export type ExpanderData = {
  readonly memory: WebAssembly.Memory;
  /** By position. */
  readonly primes: readonly number[];
  readonly ringDegree: number;
  /** From one limb to the next. */
  readonly limbBytes: number;
  readonly file: OpenFile | null;
};

/** What a thread says when it is done with an item: null, or why it is not. */
export type Expanded = { readonly code: FheErrorCode; readonly message: string } | null;

/** Expands constants and keys to where they were placed: the engine's memory, which must not grow meanwhile, or the file behind its window. */
export class ItemExpander {
  readonly #data: ExpanderData;
  readonly #words: Uint32Array;
  readonly #stored: Uint32Array;
  readonly #seeded: Uint32Array;
  /** Of a part for the file. */
  #part = new Uint32Array();

  constructor(data: ExpanderData) {
    this.#data = data;
    this.#words = new Uint32Array(data.memory.buffer);
    this.#stored = new Uint32Array(data.ringDegree);
    this.#seeded = new Uint32Array(data.ringDegree);
  }

  /** @throws FheError FHE_FORMAT for a residue that is not below its prime; FHE_DISK where the file cannot be written */
  expand(item: PackedItem): void {
    const { positions, digits, seed, purpose, plain, montgomery, isKey, parts } = item;
    const { primes, ringDegree, limbBytes } = this.#data;
    const sizes = positions.map((position) => packedBytes(ringDegree, residueBits(primes[position]!)));
    const digitBytes = sizes.reduce((sum, size) => sum + size, 0);
    const keyBytes = 8 * digits * ringDegree;
    let from = 0;
    for (const [limb, position] of positions.entries()) {
      const q = primes[position]!;
      const part = parts.find((candidate) => candidate.position === position);
      for (let digit = 0; digit < digits; digit++) {
        this.#unpack(item, from + digit * digitBytes, q);
        sampleUniform(this.#seeded, q, seed, purpose, { digit, limb: position });
        for (const [half, residues] of [this.#stored, this.#seeded].entries()) {
          const to = (limb + half * positions.length) * limbBytes;
          if (plain !== null) this.#words.set(residues, (plain + to) / 4);
          if (montgomery === null && part === undefined) continue;
          toMontgomery(residues, q);
          const place = { digit, digits, half };
          if (montgomery !== null && isKey)
            interleave(this.#words, (montgomery + limb * keyBytes) / 4, residues, place);
          else if (montgomery !== null) this.#words.set(residues, (montgomery + to) / 4);
          if (part === undefined) continue;
          const scratch = this.#scratch(part.bytes);
          if (isKey) interleave(scratch, 0, residues, place);
          else scratch.set(residues, (half * limbBytes) / 4);
        }
      }
      if (part !== undefined) this.#write(part);
      from += sizes[limb]!;
    }
  }

  #unpack({ what, packed }: PackedItem, at: number, q: number): void {
    const bits = residueBits(q);
    const words = new Uint32Array(packedBytes(this.#data.ringDegree, bits) / 4);
    // A copy, because limbs may begin at any address.
    new Uint8Array(words.buffer).set(packed.subarray(at, at + words.byteLength));
    const largest = unpackBits(words, bits, this.#stored);
    if (largest >= q)
      throw new FheError('FHE_FORMAT', `${what}: residue ${largest} is not below its prime ${q}`);
  }

  #scratch(bytes: number): Uint32Array {
    if (this.#part.byteLength !== bytes) this.#part = new Uint32Array(bytes / 4);
    return this.#part;
  }

  #write({ index, offset, bytes }: PlacedPart): void {
    const { fd, checksums, folder } = this.#data.file!;
    const part = new Uint8Array(this.#part.buffer);
    checksums[index] = crc32(part);
    writing(folder, () => {
      for (let done = 0; done < bytes; ) done += writeSync(fd, part, done, bytes - done, offset + done);
    });
  }
}
