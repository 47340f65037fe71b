import { shoupCompanion } from '../memory/tables.ts';
import { type Group, Op, type TapeRecorder } from '../tape/tape.ts';
import type { Block, EngineContext } from './context.ts';
import { type Accumulators, type KeySwitcher, settled } from './key-switch.ts';
import type { EngineKey } from './keys.ts';

/**
 * Σ rot(relinearized and rescaled products), the giant steps of a linear layer, with one division for the whole sum ("double hoisting", Bossuat et al.,
 * ia.cr/2020/1203, section 4, with the rescaling taken in). A product of level l switched to s is (u₀, u₁) modulo Q·P, P · q_l times the
 * summand. Only u₁ of a summand that is rotated is divided, because it is decomposed again; u₀ is rotated and added as it is, and what the
 * rotation key makes of u₁ / (P·q_l) is kept modulo Q/q_l·P. The sum is (Σ u + q_l · Σ v) / (P·q_l): fewer transforms, and the rounding
 * errors of one division instead of two for every summand.
 *
 * Records instructions; the caller places barriers and releases scratch memory.
 */
export class RotatedSum {
  readonly #engine: EngineContext;
  readonly #tape: TapeRecorder;
  readonly #switcher: KeySwitcher;
  /** Level of the products. */
  readonly #level: number;
  /** Summands times P·q_l (of products with plain weights times q_l): first polynomials of all, second ones of those that are not rotated. */
  readonly #whole: Block;
  /** Rotated summands times P, without their part of `#whole`. */
  readonly #switched: Block;
  readonly #written = { first: false, second: false, switched: false };

  /** @param products polynomials of each: 3, or 2 of products with weights that are not encrypted */
  constructor(
    engine: EngineContext,
    tape: TapeRecorder,
    switcher: KeySwitcher,
    level: number,
    products: 2 | 3,
  ) {
    this.#engine = engine;
    this.#tape = tape;
    this.#switcher = switcher;
    this.#level = level;
    this.#whole = engine.allocate(2, level, products === 3);
    this.#switched = engine.allocate(2, level - 1, true);
  }

  /** Primes by which `#whole` is divided in the end. */
  get #divisor(): number[] {
    return this.#whole.special ? [...this.#engine.specialPositions(), this.#level] : [this.#level];
  }

  /**
   * Adds a product.
   *
   * @param relinearization null for one of two polynomials
   * @param rotation null for a summand that is not rotated.
   */
  add(
    source: Block,
    relinearization: EngineKey | null,
    rotation: { readonly step: number; readonly key: EngineKey } | null,
  ): void {
    const sums = relinearization === null ? settled(source) : this.#relinearized(source, relinearization);
    this.#addFirst(sums, rotation?.step ?? 0);
    if (rotation === null) this.#addSecond(sums);
    else this.#addSwitched(sums, rotation);
  }

  /** A product under s, times P. */
  #relinearized(source: Block, key: EngineKey): Accumulators {
    const engine = this.#engine;
    const switcher = this.#switcher;
    const decomposition = switcher.decompose((p) => engine.limb(source, 2, p), this.#level);
    const inner = switcher.keyInner(decomposition, key, 0, [this.#level]);
    return switcher.addTimesP(inner, (component, position) => engine.limb(source, component, position));
  }

  #addFirst({ block, ready }: Accumulators, step: number): void {
    const engine = this.#engine;
    const { patterns } = engine.tables;
    const isFirst = !this.#written.first;
    this.#written.first = true;
    const table = step === 0 ? 0 : engine.tables.rotation(step);
    const tables = table === 0 ? 0 : engine.arena.place([table]);
    for (const position of engine.positions(this.#level, this.#whole.special)) {
      const to = engine.limb(this.#whole, 0, position);
      const from = engine.limb(block, 0, position);
      const prime = engine.prime(position);
      const order = { after: [ready.get(position) ?? null] };
      if (table === 0) {
        if (isFirst) this.#tape.task(Op.copy, [to, from, engine.residueBytes], order);
        else this.#tape.task(Op.add, [to, to, from, prime], order);
      } else if (isFirst) this.#tape.task(Op.permute, [to, from, table, patterns, prime], order);
      else this.#tape.task(Op.permuteSum, [to, to, from, tables, 1, patterns, prime], order);
    }
  }

  #addSecond({ block, ready }: Accumulators): void {
    const engine = this.#engine;
    for (const position of engine.positions(this.#level, this.#whole.special)) {
      const to = engine.limb(this.#whole, 1, position);
      const from = engine.limb(block, 1, position);
      const order = { after: [ready.get(position) ?? null] };
      if (this.#written.second) this.#tape.task(Op.add, [to, to, from, engine.prime(position)], order);
      else this.#tape.task(Op.copy, [to, from, engine.residueBytes], order);
    }
    this.#written.second = true;
  }

  #addSwitched(
    { block, ready }: Accumulators,
    { step, key }: { readonly step: number; readonly key: EngineKey },
  ): void {
    const engine = this.#engine;
    const second = this.#switcher.scratch(1, this.#level - 1);
    const only = { ...block, address: engine.limb(block, 1, 0), size: 1 };
    this.#switcher.divide(second, { block: only, ready }, this.#divisor);
    this.#tape.barrier();
    const decomposition = this.#switcher.decompose((p) => engine.limb(second, 0, p), this.#level - 1);
    const table = engine.tables.rotation(step);
    if (!this.#written.switched) {
      this.#written.switched = true;
      this.#switcher.keyInner(decomposition, key, table, [], this.#switched);
      return;
    }
    const sums = this.#switcher.keyInner(decomposition, key, table);
    for (const position of engine.positions(this.#level - 1, true)) {
      for (const component of [0, 1]) {
        const to = engine.limb(this.#switched, component, position);
        const args = [to, to, engine.limb(sums.block, component, position), engine.prime(position)];
        this.#tape.task(Op.add, args, { after: [sums.ready.get(position)!] });
      }
    }
  }

  /** Writes the sum, one level below the products. At least one summand was rotated. */
  finish(out: Block): void {
    if (!this.#whole.special) {
      this.#finishPlain(out);
      return;
    }
    const engine = this.#engine;
    const dropped = engine.primes[this.#level]!;
    const ready = new Map<number, Group>();
    for (const position of engine.positions(this.#level, true)) {
      const group = this.#tape.group();
      const q = engine.primes[position]!;
      const factor = dropped % q;
      for (const component of [0, 1]) {
        const to = engine.limb(this.#whole, component, position);
        const isEmpty = component === 1 && !this.#written.second;
        const cleared = this.#tape.group();
        if (isEmpty) this.#tape.task(Op.clear, [to, engine.residueBytes], { group: cleared });
        // q_l · v vanishes modulo q_l.
        if (position === this.#level) {
          if (isEmpty) ready.set(position, cleared);
          continue;
        }
        const from = engine.limb(this.#switched, component, position);
        const args = [to, to, from, factor, shoupCompanion(factor, q), 0, 0, engine.prime(position)];
        this.#tape.task(Op.addScaled, args, { after: [isEmpty ? cleared : null], group });
      }
      if (group.count > 0) ready.set(position, group);
    }
    this.#switcher.divide(out, { block: this.#whole, ready }, this.#divisor);
  }

  /** Of products with plain weights: their part has no P in it, and is rescaled by itself. */
  #finishPlain(out: Block): void {
    const engine = this.#engine;
    const rescaled = this.#switcher.scratch(2, this.#level - 1);
    const ready = new Map<number, Group>();
    for (const position of this.#written.second ? [] : engine.positions(this.#level, false)) {
      const group = this.#tape.group();
      this.#tape.task(Op.clear, [engine.limb(this.#whole, 1, position), engine.residueBytes], { group });
      ready.set(position, group);
    }
    this.#switcher.divide(rescaled, { block: this.#whole, ready }, this.#divisor);
    this.#tape.barrier();
    this.#switcher.divide(out, settled(this.#switched), engine.specialPositions(), (component, position) =>
      engine.limb(rescaled, component, position),
    );
  }

  /** Gives its memory back: what is recorded later may use it. */
  release(): void {
    this.#engine.release(this.#whole);
    this.#engine.release(this.#switched);
  }
}
