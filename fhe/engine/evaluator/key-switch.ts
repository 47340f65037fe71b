import { FheError } from '../../errors.ts';
import type { Address } from '../memory/arena.ts';
import { shoupCompanion } from '../memory/tables.ts';
import { type Group, Op, type TapeRecorder } from '../tape/tape.ts';
import type { Part, Supplied, Window } from '../window/window.ts';
import type { Block, Division, EngineContext } from './context.ts';
import type { EngineKey } from './keys.ts';

/** Where a limb is and which group of tasks writes it (null: already there). */
export type LimbSource = (position: number) => Address;

/** α limbs of a polynomial in coefficient form, shifted by the half of `division` and in mixed radix; `limbs` is an array of addresses. */
type Digit = { readonly division: Division; readonly limbs: Address };

/** All digits of a polynomial. */
export type Decomposition = {
  readonly level: number;
  readonly digits: readonly Digit[];
  /** The polynomial itself, NTT form. */
  readonly source: LimbSource;
  readonly ready: Group;
};

/** Which representatives of residues the digits are. */
export type DigitRange = 'centered' | 'seal';

/** Polynomials, modulo Q or (times P) modulo Q·P, whose limbs become ready one after the other. */
export type Accumulators = { readonly block: Block; readonly ready: ReadonlyMap<number, Group> };

const NOTHING_PENDING: ReadonlyMap<number, Group> = new Map();

/** A block written by earlier instructions. */
export function settled(block: Block): Accumulators {
  return { block, ready: NOTHING_PENDING };
}

/** Digits transformed to this many primes are held at once; with three, two threads never wait for memory. */
const RING = 3;

/**
 * Key switching on a tape, shared by all operations: decompose, transform and multiply with the key, divide.
 * The caller's `scratch` releases temporary memory once its instruction is recorded completely.
 */
export class KeySwitcher {
  readonly #engine: EngineContext;
  readonly #tape: TapeRecorder;
  readonly #centered: boolean;
  readonly #window: Window | null;
  readonly #scratch: Block[] = [];

  /**
   * @param digits `centered`: in (−q/2, q/2), the mean is zero and so is the bias of the noise; `seal`: in [0, q), as in SEAL.
   * The results differ in noise only (fhe/README.md, "Where precision goes").
   */
  constructor(engine: EngineContext, tape: TapeRecorder, digits: DigitRange, window: Window | null = null) {
    this.#window = window;
    this.#engine = engine;
    this.#tape = tape;
    this.#centered = digits === 'centered';
  }

  /** Where parts of keys and weights are, and what their tasks must wait for; the caller says afterwards which group used them. */
  supply(parts: readonly Part[]): Supplied {
    if (this.#window !== null) return this.#window.take(parts);
    const addresses = parts.map((part) => {
      if (typeof part !== 'number')
        throw new FheError('FHE_STATE', 'material outside of memory, but no window');
      return part;
    });
    return { addresses, outside: null, used: () => undefined };
  }

  /** Memory until {@link releaseScratch}. */
  scratch(size: number, level: number, special = false): Block {
    const block = this.#engine.allocate(size, level, special);
    this.#scratch.push(block);
    return block;
  }

  /** Called at the end of an instruction; the next one begins behind a barrier. */
  releaseScratch(): void {
    for (const block of this.#scratch.splice(0)) this.#engine.release(block);
  }

  /** Brings the limbs 0 … level of a polynomial to coefficient form, digit by digit. */
  decompose(source: LimbSource, level: number, after: Group | null = null): Decomposition {
    const engine = this.#engine;
    const tape = this.#tape;
    const alpha = Math.max(1, engine.specials);
    const coefficients = this.scratch(1, level);
    const inverted = tape.group();
    const ready = alpha === 1 ? inverted : tape.group();
    const digits: Digit[] = [];
    for (let first = 0; first <= level; first += alpha) {
      const positions = engine.positions(level, false).slice(first, first + alpha);
      const division = engine.division(positions, this.#centered);
      const limbs = positions.map((position, i) => {
        const to = engine.limb(coefficients, 0, position);
        const args = [to, source(position), division.halves[i]!, engine.prime(position)];
        tape.task(Op.inverseAdd, args, { after: [after], group: inverted });
        return to;
      });
      digits.push({ division, limbs: engine.arena.place(limbs) });
    }
    for (const { division, limbs } of alpha === 1 ? [] : digits) {
      const args = [limbs, division.positions.length, division.primes, division.inverses];
      tape.task(Op.mixedRadix, args, { after: [inverted], group: ready });
    }
    return { level, digits, source, ready };
  }

  /** Transforms all digits to the prime at `position`: addresses of the results, in `room`. */
  #transformDigits(
    { digits, source, ready }: Decomposition,
    position: number,
    room: (digit: number) => Address,
    after: Group | null,
    group: Group,
  ): Address[] {
    const prime = this.#engine.prime(position);
    return digits.map(({ division, limbs }, index) => {
      // Modulo one of its own primes a digit is the polynomial itself.
      if (division.positions.includes(position)) return source(position);
      const to = room(index);
      const { factors, direct } = division.target(position);
      const args = [to, limbs, division.positions.length, factors, direct, prime];
      this.#tape.task(Op.convertForward, args, { after: [ready, after], group });
      return to;
    });
  }

  /**
   * Transforms the digits to every prime of q₀ … q_level, P in turn and lets `consume` record their use.
   * Special primes come first (and `first`, if given), because division waits for them.
   */
  forEachPrime(
    decompositions: readonly Decomposition[],
    first: readonly number[],
    consume: (position: number, digits: Address[][], after: Group) => Group,
  ): Map<number, Group> {
    const engine = this.#engine;
    const { level } = decompositions[0]!;
    const early = [...engine.specialPositions(), ...first];
    const order = [...early, ...engine.positions(level, false).filter((p) => !early.includes(p))];
    const rooms = decompositions.map(({ digits }) =>
      Array.from({ length: RING }, () => this.scratch(digits.length, 0)),
    );
    const consumed: Group[] = [];
    const groups = new Map<number, Group>();
    let pending: (() => void) | null = null;
    order.forEach((position, index) => {
      const transformed = this.#tape.group();
      const digits = decompositions.map((decomposition, which) => {
        const room = rooms[which]![index % RING]!;
        return this.#transformDigits(
          decomposition,
          position,
          (digit) => room.address + digit * engine.limbBytes,
          consumed[index - RING] ?? null,
          transformed,
        );
      });
      // One prime late, so that no thread waits for transforms that another has just started.
      pending?.();
      pending = () => {
        const group = consume(
          position,
          digits,
          transformed.count > 0 ? transformed : decompositions[0]!.ready,
        );
        consumed[index] = group;
        groups.set(position, group);
      };
    });
    (pending as (() => void) | null)?.();
    return groups;
  }

  /** The first arguments of the kernel's `keyInner` and `keyInnerPermuted`. */
  keyInnerArguments(
    block: Block,
    position: number,
    digits: Address,
    count: number,
    key: Address,
    stride: number,
  ): number[] {
    const engine = this.#engine;
    return [engine.limb(block, 0, position), engine.limb(block, 1, position), digits, count, key, stride];
  }

  /**
   * Σ digit · key modulo q·P. `table`: automorphism applied to the digits (hoisted rotation), 0 for none.
   *
   * @param block where to; scratch memory by default.
   */
  keyInner(
    decomposition: Decomposition,
    key: EngineKey,
    table: Address = 0,
    first: readonly number[] = [],
    block = this.scratch(2, decomposition.level, true),
  ): Accumulators {
    const engine = this.#engine;
    const ready = this.forEachPrime([decomposition], first, (position, [digits], after) => {
      const group = this.#tape.group();
      const array = engine.arena.place(digits!);
      const supplied = this.supply([key.at(position)]);
      const [from] = supplied.addresses;
      const args = this.keyInnerArguments(block, position, array, digits!.length, from!, key.stride);
      const order = { after: [after], outside: supplied.outside, group };
      if (table === 0) this.#tape.task(Op.keyInner, [...args, engine.prime(position)], order);
      else {
        const more = [table, engine.tables.patterns, engine.prime(position)];
        this.#tape.task(Op.keyInnerPermuted, [...args, ...more], order);
      }
      supplied.used(group);
      return group;
    });
    return { block, ready };
  }

  /** accumulators += P · c, limb by limb (it vanishes on the special primes). */
  addTimesP(
    accumulators: Accumulators,
    component: (index: number, position: number) => Address,
  ): Accumulators {
    const engine = this.#engine;
    const { block } = accumulators;
    const ready = new Map(accumulators.ready);
    for (const position of engine.positions(block.level, false)) {
      const q = engine.primes[position]!;
      const p = Number(
        engine.parameters.specialModuli.reduce((product, s) => product * BigInt(s), 1n) % BigInt(q),
      );
      const group = this.#tape.group();
      for (let i = 0; i < block.size; i++) {
        const at = engine.limb(block, i, position);
        const args = [at, at, component(i, position), p, shoupCompanion(p, q), 0, 0, engine.prime(position)];
        this.#tape.task(Op.addScaled, args, { after: [ready.get(position) ?? null], group });
      }
      ready.set(position, group);
    }
    return { block, ready };
  }

  /**
   * Exact division with rounding: out = ⌊source / divisor⌉ + addend on the limbs of `out`, for each of its polynomials.
   *
   * @param addend a limb to add, or 0.
   */
  divide(
    out: Block,
    source: Accumulators,
    divisor: readonly number[],
    addend: (component: number, position: number) => Address = () => 0,
  ): void {
    const engine = this.#engine;
    const tape = this.#tape;
    const division = engine.division(divisor);
    const known = new Set<Group>(divisor.map((position) => source.ready.get(position)!).filter(Boolean));
    const tops = Array.from({ length: out.size }, (_, component) => {
      const room = this.scratch(divisor.length, 0);
      const inverted = tape.group();
      const limbs = divisor.map((position, i) => {
        const to = room.address + i * engine.limbBytes;
        const from = engine.limb(source.block, component, position);
        tape.task(Op.inverseAdd, [to, from, division.halves[i]!, engine.prime(position)], {
          after: [source.ready.get(position) ?? null],
          group: inverted,
        });
        return to;
      });
      return { limbs: engine.arena.place(limbs), inverted };
    });
    for (const top of tops) {
      if (divisor.length === 1) continue;
      const mixed = tape.group();
      tape.task(Op.mixedRadix, [top.limbs, divisor.length, division.primes, division.inverses], {
        after: [top.inverted],
        group: mixed,
      });
      top.inverted = mixed;
    }
    for (const position of engine.positions(out.level, out.special)) {
      const { factors, direct, inverse, inverseCompanion } = division.target(position);
      tops.forEach(({ limbs, inverted }, component) => {
        const ready = source.ready.get(position) ?? null;
        tape.task(
          Op.divide,
          [
            engine.limb(out, component, position),
            engine.limb(source.block, component, position),
            limbs,
            divisor.length,
            factors,
            direct,
            inverse,
            inverseCompanion,
            addend(component, position),
            engine.prime(position),
          ],
          { after: ready !== null && known.has(ready) ? [inverted] : [inverted, ready] },
        );
      });
    }
  }
}
