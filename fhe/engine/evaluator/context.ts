import type { ParametersLiteral } from '../../ckks/parameters.ts';
import { invMod, mulMod, toMontgomery } from '../../ring/modular.ts';
import type { Address } from '../memory/arena.ts';
import { Arena } from '../memory/arena.ts';
import { placeRange } from '../memory/place-range.ts';
import { KernelTables, shoupCompanion } from '../memory/tables.ts';
import { TapeRecorder } from '../tape/tape.ts';
import { Control } from '../threads/control.ts';
import { KernelPool, type PoolOptions } from '../threads/pool.ts';

/**
 * Polynomials in wasm memory, NTT form: `size` polynomials of the limbs q₀ … q_level and, where `special`, the special primes.
 * Limbs follow each other as in {@link Ciphertext}.
 */
export type Block = {
  readonly address: Address;
  readonly size: number;
  readonly level: number;
  readonly special: boolean;
};

/** Limbs in wasm memory, `limbBytes` apart, of so many words each. */
export type ResiduePlace = {
  readonly address: Address;
  readonly limbs: number;
  readonly limbBytes: number;
  readonly words: number;
};

/** A copy of residues, without padding. */
export function readResidues(
  { buffer }: WebAssembly.Memory,
  { address, limbs, limbBytes, words }: ResiduePlace,
): Uint32Array {
  const residues = new Uint32Array(limbs * words);
  for (let limb = 0; limb < limbs; limb++)
    residues.set(new Uint32Array(buffer, address + limb * limbBytes, words), limb * words);
  return residues;
}

/** How a mixed-radix value over some primes is converted to another prime: see `convertForward` in the kernel. */
export type Conversion = {
  /** −h (or 0), then the mixed-radix weights with companions. */
  readonly factors: Address;
  /** 1 where the value needs no reduction before the transform, else 0. */
  readonly direct: 0 | 1;
};

/** Constants of an exact division by a product of primes, modulo one of the remaining primes. */
export type DivisionTarget = Conversion & {
  readonly inverse: number;
  readonly inverseCompanion: number;
};

/** Exact division by the product of the primes at `positions`, and base conversion from these primes to others. */
export type Division = {
  readonly positions: readonly number[];
  /** h modulo each of the divisor's primes, h = (product − 1) / 2. */
  readonly halves: readonly number[];
  readonly primes: Address;
  readonly inverses: Address;
  target(position: number): DivisionTarget;
};

/**
 * A cache line between limbs. Without it all limbs of a key begin in the same cache set, and the inner product of key switching, which reads
 * eighteen of them at once, evicts its own lines: measured 150 µs instead of 45 µs a prime at N = 8192.
 */
const LIMB_PADDING = 64;

/**
 * Memory, tables and threads for one set of parameters, shared by evaluator and encryptor.
 *
 * A *position* names a prime: 0 … L for q₀ … q_L, then the special primes.
 */
export class EngineContext {
  readonly parameters: ParametersLiteral;
  readonly primes: readonly number[];
  readonly arena: Arena;
  readonly tables: KernelTables;
  readonly pool: KernelPool;
  /** Bytes of the residues of a limb. */
  readonly residueBytes: number;
  /** Bytes from one limb to the next: see {@link LIMB_PADDING}. */
  readonly limbBytes: number;
  /** α. */
  readonly specials: number;
  readonly #divisions = new Map<string, Division>();

  /** @param options `mostBytes` bounds the memory, see {@link Arena}. */
  constructor(parameters: ParametersLiteral, options: PoolOptions & { readonly mostBytes?: number }) {
    this.arena = new Arena(options.mostBytes);
    this.parameters = parameters;
    this.primes = [...parameters.moduli, ...parameters.specialModuli];
    this.specials = parameters.specialModuli.length;
    this.tables = new KernelTables(this.arena, parameters.ringDegree);
    this.residueBytes = parameters.ringDegree * 4;
    this.limbBytes = this.residueBytes + LIMB_PADDING;
    this.pool = new KernelPool(this.arena.memory, this.control(), options);
  }

  /** A control block for a pool of threads. */
  control(): Address {
    return this.arena.allocate(Control.words * 4);
  }

  /** @param control of the threads that will run the tape. */
  recorder(control = this.pool.control): TapeRecorder {
    return new TapeRecorder(this.arena, control);
  }

  /** Records a tape and runs it once. */
  runOnce(record: (tape: TapeRecorder) => void): void {
    const tape = this.recorder();
    record(tape);
    if (tape.length > 0) this.pool.run(tape.finish());
  }

  prime(position: number): Address {
    return this.tables.prime(this.primes[position]!);
  }

  /** Positions of the limbs of a block, in order. */
  positions(level: number, special: boolean): number[] {
    const data = Array.from({ length: level + 1 }, (_, i) => i);
    return special ? [...data, ...this.specialPositions()] : data;
  }

  specialPositions(): number[] {
    return Array.from({ length: this.specials }, (_, i) => this.parameters.moduli.length + i);
  }

  /** Index of the limb of `position` in a block of `level` that has it. */
  limbIndex(level: number, position: number): number {
    const { length } = this.parameters.moduli;
    return position < length ? position : level + 1 + position - length;
  }

  limbCount(level: number, special: boolean): number {
    return level + 1 + (special ? this.specials : 0);
  }

  blockBytes({ size, level, special }: Omit<Block, 'address'>): number {
    return size * this.limbCount(level, special) * this.limbBytes;
  }

  allocate(size: number, level: number, special = false): Block {
    const shape = { size, level, special };
    return { ...shape, address: this.arena.allocate(this.blockBytes(shape)) };
  }

  release(block: Block): void {
    this.arena.release(block.address, this.blockBytes(block));
  }

  /** Address of one limb. */
  limb(block: Block, component: number, position: number): Address {
    const index =
      component * this.limbCount(block.level, block.special) + this.limbIndex(block.level, position);
    return block.address + index * this.limbBytes;
  }

  /** Ranges of the two halves of a limb, so that two threads share the work of one prime. One task each. */
  halves(): Address[] {
    const half = this.residueBytes / 2;
    return [placeRange(this.arena, 0, half), placeRange(this.arena, half, this.residueBytes)];
  }

  /** Bytes from one polynomial of a block to the next. */
  distance(block: Block): number {
    return this.limbCount(block.level, block.special) * this.limbBytes;
  }

  /** Copies residues (limb · N + coefficient) into the polynomials of a block from `component` on. */
  write(block: Block, residues: Uint32Array, component = 0): void {
    const { ringDegree } = this.parameters;
    const from = component * this.limbCount(block.level, block.special);
    for (let limb = 0; limb * ringDegree < residues.length; limb++) {
      const to = block.address + (from + limb) * this.limbBytes;
      this.arena.words.set(residues.subarray(limb * ringDegree, (limb + 1) * ringDegree), to / 4);
    }
  }

  /** Where the residues of a block are. */
  place(block: Block): ResiduePlace {
    const limbs = block.size * this.limbCount(block.level, block.special);
    return { address: block.address, limbs, limbBytes: this.limbBytes, words: this.parameters.ringDegree };
  }

  /** A copy of all residues of a block, without padding. */
  read(block: Block): Uint32Array {
    return readResidues(this.arena.memory, this.place(block));
  }

  /** Writes residues to a block times 2^32 modulo their primes: factors of sums are stored that way. */
  writeMontgomery(block: Block, residues: Uint32Array): void {
    const { ringDegree } = this.parameters;
    const scaled = Uint32Array.from(residues);
    const positions = this.positions(block.level, block.special);
    for (let from = 0, limb = 0; from < scaled.length; from += ringDegree, limb++)
      toMontgomery(
        scaled.subarray(from, from + ringDegree),
        this.primes[positions[limb % positions.length]!]!,
      );
    this.write(block, scaled);
  }

  /**
   * @param centered false: h = 0, values in [0, product) instead of (−product/2, product/2); as SEAL's digits.
   */
  division(positions: readonly number[], centered = true): Division {
    const key = `${positions.join()}/${centered}`;
    const known = this.#divisions.get(key);
    if (known !== undefined) return known;
    const divisors = positions.map((position) => this.primes[position]!);
    const product = divisors.reduce((p, q) => p * BigInt(q), 1n);
    const half = centered ? (product - 1n) / 2n : 0n;
    const targets = new Map<number, DivisionTarget>();
    const division: Division = {
      positions,
      halves: divisors.map((q) => Number(half % BigInt(q))),
      primes: this.arena.place(positions.map((position) => this.prime(position))),
      inverses: this.arena.place([...mixedRadixInverses(divisors), 0]),
      target: (position) => {
        const made = targets.get(position);
        if (made !== undefined) return made;
        const q = this.primes[position]!;
        // A prime that divides the product has no inverse; digits do not need it.
        const inverse = divisors.includes(q) ? 0 : invMod(Number(product % BigInt(q)), q);
        const target = {
          ...this.#conversion(divisors, q, Number((BigInt(q) - (half % BigInt(q))) % BigInt(q))),
          inverse,
          inverseCompanion: shoupCompanion(inverse, q),
        };
        targets.set(position, target);
        return target;
      },
    };
    this.#divisions.set(key, division);
    return division;
  }

  /** `offset`, then 1, p₀, p₀·p₁, … modulo q with their companions. */
  #conversion(sources: readonly number[], q: number, offset: number): Conversion {
    const words = [offset];
    let weight = 1;
    for (const p of sources) {
      words.push(weight, shoupCompanion(weight, q));
      weight = mulMod(weight, p % q, q);
    }
    return { factors: this.arena.place(words), direct: sources.length === 1 && sources[0]! < 3 * q ? 1 : 0 };
  }

  close(): Promise<void> {
    return this.pool.close();
  }
}

/** For i = 1 … k − 1 and j < i: p_j^−1 mod p_i and its companion. */
export function mixedRadixInverses(primes: readonly number[]): number[] {
  return primes.flatMap((q, i) =>
    primes.slice(0, i).flatMap((p) => {
      const inverse = invMod(p % q, q);
      return [inverse, shoupCompanion(inverse, q)];
    }),
  );
}
