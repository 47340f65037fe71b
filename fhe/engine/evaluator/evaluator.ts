import { FheError } from '../../errors.ts';
import type { Address } from '../memory/arena.ts';
import { type Group, Op, type TapeRecorder, type TaskOrder } from '../tape/tape.ts';
import type { Window } from '../window/window.ts';
import type { Block, EngineContext } from './context.ts';
import {
  type Accumulators,
  type Decomposition,
  type DigitRange,
  KeySwitcher,
  settled,
} from './key-switch.ts';
import type { EngineKey } from './keys.ts';
import { type RotatedWeight, recordRotatedSum } from './rotate-inner.ts';
import { RotatedSum } from './rotated-sum.ts';
import { betweenLimbs, isStreamed, partOf, type Weight } from './weight.ts';

/** The keys of an evaluator. */
export type EngineKeys = {
  readonly relinearization: EngineKey | null;
  /** By normalized step. */
  readonly rotations: ReadonlyMap<number, EngineKey>;
};

/** One term of a sum of products. */
export type WeightedTerm = { readonly source: Block; readonly weight: Weight };

/**
 * Records CKKS operations on a tape. Every public method is one instruction: it begins behind a barrier, and reads and writes blocks in
 * NTT form. `out` is never a source. The caller vouches for levels (the program was verified); only keys can be missing.
 */
export class Evaluator {
  readonly #engine: EngineContext;
  readonly #tape: TapeRecorder;
  readonly #keys: EngineKeys;
  readonly #switcher: KeySwitcher;

  /** @param window through which keys and weights come that are not in memory. */
  constructor(
    engine: EngineContext,
    tape: TapeRecorder,
    keys: EngineKeys,
    { digits = 'centered', window = null }: { digits?: DigitRange; window?: Window | null } = {},
  ) {
    this.#engine = engine;
    this.#tape = tape;
    this.#keys = keys;
    this.#switcher = new KeySwitcher(engine, tape, digits, window);
  }

  #instruction(record: () => void): void {
    this.#tape.barrier();
    record();
    this.#switcher.releaseScratch();
  }

  #rotationKey(step: number, level: number): EngineKey {
    const key = this.#keys.rotations.get(step);
    if (key === undefined) throw new FheError('FHE_KEY_MISSING', `no rotation key for step ${step}`);
    return this.#reaching(key, level, `rotation key for step ${step}`);
  }

  #relinearizationKey(level: number): EngineKey {
    const key = this.#keys.relinearization;
    if (key === null) throw new FheError('FHE_KEY_MISSING', 'no relinearization key');
    return this.#reaching(key, level, 'relinearization key');
  }

  #reaching(key: EngineKey, level: number, what: string): EngineKey {
    if (key.level >= level) return key;
    throw new FheError('FHE_KEY_MISSING', `the ${what} reaches level ${key.level}: needed at ${level}`);
  }

  /** out = source, via coefficient form: measures the cost of transforms alone. */
  transformThereAndBack(out: Block, source: Block): void {
    this.#instruction(() => {
      const engine = this.#engine;
      for (const position of engine.positions(out.level, false)) {
        for (let component = 0; component < out.size; component++) {
          const to = engine.limb(out, component, position);
          const group = this.#tape.group();
          const prime = engine.prime(position);
          this.#tape.task(Op.inverseAdd, [to, engine.limb(source, component, position), 0, prime], { group });
          this.#tape.task(Op.forward, [to, to, 0, prime], { after: [group] });
        }
      }
    });
  }

  /** out = a + b; one may have two polynomials where the other has three. */
  add(out: Block, a: Block, b: Block): void {
    this.#instruction(() => {
      const engine = this.#engine;
      for (const position of engine.positions(out.level, false)) {
        for (let component = 0; component < out.size; component++) {
          const to = engine.limb(out, component, position);
          const prime = engine.prime(position);
          if (component < a.size && component < b.size) {
            const left = engine.limb(a, component, position);
            this.#tape.task(Op.add, [to, left, engine.limb(b, component, position), prime]);
          } else {
            const only = engine.limb(component < a.size ? a : b, component, position);
            this.#tape.task(Op.copy, [to, only, engine.residueBytes]);
          }
        }
      }
    });
  }

  /** out = the lower limbs of source. */
  dropLevel(out: Block, source: Block): void {
    this.#instruction(() => {
      const engine = this.#engine;
      for (let component = 0; component < out.size; component++) {
        const bytes = (out.level + 1) * engine.limbBytes;
        this.#tape.task(Op.copy, [engine.limb(out, component, 0), engine.limb(source, component, 0), bytes]);
      }
    });
  }

  /** out = left ⊗ right, three polynomials. */
  multiply(out: Block, left: Block, right: Block): void {
    this.#instruction(() => this.#tensor(out, [{ source: left, weight: right }], true));
  }

  /** out = source ⊗ source. */
  square(out: Block, source: Block): void {
    this.#instruction(() => {
      const engine = this.#engine;
      for (const position of engine.positions(out.level, false)) {
        const to = [0, 1, 2].map((component) => engine.limb(out, component, position));
        const from = engine.limb(source, 0, position);
        this.#tape.task(Op.square, [...to, from, engine.distance(source), engine.prime(position)]);
      }
    });
  }

  /** out = Σ source ⊗ weight, weights in Montgomery form; two polynomials where they are not encrypted. */
  inner(out: Block, terms: readonly WeightedTerm[]): void {
    const inMemory = terms.flatMap(({ source, weight }) => (isStreamed(weight) ? [] : [{ source, weight }]));
    if (inMemory.length === terms.length) this.#instruction(() => this.#tensor(out, inMemory, false));
    else this.#instruction(() => this.#streamedTensor(out, terms));
  }

  /** As {@link #tensor}; what is not in memory comes prime by prime, so that each prime has records of its own. */
  #streamedTensor(out: Block, terms: readonly WeightedTerm[]): void {
    const engine = this.#engine;
    for (const position of engine.positions(out.level, false)) {
      const supplied = this.#switcher.supply(terms.map(({ weight }) => partOf(engine, weight, position)));
      const records = engine.arena.place(
        terms.flatMap(({ source, weight }, index) => [
          engine.limb(source, 0, position),
          engine.distance(source),
          supplied.addresses[index]!,
          betweenLimbs(engine, weight),
        ]),
      );
      const group = this.#tape.group();
      const order = { outside: supplied.outside, group };
      this.#sum(out, position, { records, count: terms.length, offset: 0 }, 0, order);
      supplied.used(group);
    }
  }

  #tensor(
    out: Block,
    terms: readonly { readonly source: Block; readonly weight: Block }[],
    plain: boolean,
  ): void {
    const engine = this.#engine;
    const records = engine.arena.place(
      terms.flatMap(({ source, weight }) => [
        source.address,
        engine.distance(source),
        weight.address,
        engine.distance(weight),
      ]),
    );
    for (const position of engine.positions(out.level, false)) {
      const offset = position * engine.limbBytes;
      this.#sum(out, position, { records, count: terms.length, offset }, plain ? 1 : 0);
    }
  }

  /** The sum of products modulo one prime, a task for each half. */
  #sum(
    out: Block,
    position: number,
    {
      records,
      count,
      offset,
    }: { readonly records: Address; readonly count: number; readonly offset: number },
    plain: 0 | 1,
    order?: TaskOrder,
  ): void {
    const engine = this.#engine;
    const to = Array.from({ length: out.size }, (_, component) => engine.limb(out, component, position));
    const args = [...to, records, count, offset, engine.prime(position)];
    for (const range of engine.halves()) {
      if (out.size === 2) this.#tape.task(Op.innerPlain, [...args, range], order);
      else this.#tape.task(Op.tensor, [...args, plain, range], order);
    }
  }

  /** out = ⌊source / q_level⌉, one level lower. */
  rescale(out: Block, source: Block): void {
    this.#instruction(() => this.#switcher.divide(out, settled(source), [source.level]));
  }

  /** out = source under s alone; with `out` one level lower it is also rescaled, in the same division. */
  relinearize(out: Block, source: Block): void {
    this.#instruction(() => this.#relinearize(out, settled(source)));
  }

  #relinearize(out: Block, { block, ready }: Accumulators): void {
    const engine = this.#engine;
    const rescaling = out.level < block.level;
    const after = ready.get(0) ?? null;
    const decomposition = this.#switcher.decompose((p) => engine.limb(block, 2, p), block.level, after);
    const divisor = [...engine.specialPositions(), ...(rescaling ? [block.level] : [])];
    const key = this.#relinearizationKey(block.level);
    const sums = this.#switcher.keyInner(decomposition, key, 0, rescaling ? [block.level] : []);
    const at = (component: number, position: number): Address => engine.limb(block, component, position);
    if (rescaling) this.#switcher.divide(out, this.#switcher.addTimesP(sums, at), divisor);
    else this.#switcher.divide(out, sums, divisor, at);
  }

  /** out = source with slots rotated to the left by `step`: as SEAL does it, bit for bit with SEAL's digits (α = 1). */
  rotate(out: Block, source: Block, step: number): void {
    this.#instruction(() => {
      const engine = this.#engine;
      const key = this.#rotationKey(step, source.level);
      const ready = this.#tape.group();
      const permuted = this.#switcher.scratch(2, source.level);
      this.#permute(permuted, source, step, ready);
      const decomposition = this.#switcher.decompose((p) => engine.limb(permuted, 1, p), source.level, ready);
      const sums = this.#switcher.keyInner(decomposition, key);
      this.#switcher.divide(out, sums, engine.specialPositions(), (component, position) =>
        component === 0 ? engine.limb(permuted, 0, position) : 0,
      );
    });
  }

  /** The automorphism of the polynomials that `permuted` has room for. */
  #permute(permuted: Block, source: Block, step: number, group: Group): void {
    const engine = this.#engine;
    for (const position of engine.positions(source.level, false)) {
      for (let component = 0; component < permuted.size; component++) {
        const args = [engine.limb(permuted, component, position), engine.limb(source, component, position)];
        const more = [engine.tables.rotation(step), engine.tables.patterns, engine.prime(position)];
        this.#tape.task(Op.permute, [...args, ...more], { group });
      }
    }
  }

  /** out = source + Σ rotations of source by `steps` (normalized, none is zero): one decomposition, one division by P. */
  foldRound(out: Block, source: Block, steps: readonly number[]): void {
    this.#instruction(() => {
      const engine = this.#engine;
      const { patterns } = engine.tables;
      const keys = steps.map((step) => this.#rotationKey(step, source.level));
      const tables = steps.map((step) => engine.tables.rotation(step));
      const tableArray = engine.arena.place(tables);
      const first = this.#switcher.scratch(1, source.level);
      const moved = this.#tape.group();
      for (const position of engine.positions(source.level, false)) {
        const from = engine.limb(source, 0, position);
        const args = [engine.limb(first, 0, position), from, from, tableArray, steps.length, patterns];
        this.#tape.task(Op.permuteSum, [...args, engine.prime(position)], { group: moved });
      }
      const decomposition = this.#switcher.decompose((p) => engine.limb(source, 1, p), source.level, moved);
      const block = this.#switcher.scratch(2, source.level, true);
      const ready = this.#switcher.forEachPrime([decomposition], [], (position, [digits], after) => {
        const group = this.#tape.group();
        const supplied = this.#switcher.supply(keys.map((key) => key.at(position)));
        const rotations = keys.flatMap((key, i) => [tables[i]!, supplied.addresses[i]!, key.stride]);
        const args = [
          engine.limb(block, 0, position),
          engine.limb(block, 1, position),
          engine.arena.place(digits!),
          digits!.length,
          engine.arena.place(rotations),
          steps.length,
          patterns,
          engine.prime(position),
        ];
        this.#tape.task(Op.foldInner, args, { after: [after], outside: supplied.outside, group });
        supplied.used(group);
        return group;
      });
      this.#switcher.divide(out, { block, ready }, engine.specialPositions(), (component, position) =>
        component === 0 ? engine.limb(first, 0, position) : engine.limb(source, 1, position),
      );
    });
  }

  /**
   * Several rotations of one source: decomposed once. Not bit for bit SEAL's result (digits are permuted, not recomputed), but with SEAL's noise.
   */
  rotateHoisted(outs: readonly Block[], source: Block, steps: readonly number[]): void {
    this.#instruction(() => {
      const engine = this.#engine;
      const moved = this.#tape.group();
      const firsts = steps.map((step) => {
        const permuted = this.#switcher.scratch(1, source.level);
        this.#permute(permuted, source, step, moved);
        return permuted;
      });
      const decomposition = this.#switcher.decompose((p) => engine.limb(source, 1, p), source.level, moved);
      const sums = steps.map(() => this.#switcher.scratch(2, source.level, true));
      const ready = this.#switcher.forEachPrime([decomposition], [], (position, [digits], after) => {
        const group = this.#tape.group();
        const array = engine.arena.place(digits!);
        const keys = steps.map((step) => this.#rotationKey(step, source.level));
        const supplied = this.#switcher.supply(keys.map((key) => key.at(position)));
        steps.forEach((step, i) => {
          const { stride } = keys[i]!;
          const from = supplied.addresses[i]!;
          const args = this.#switcher.keyInnerArguments(
            sums[i]!,
            position,
            array,
            digits!.length,
            from,
            stride,
          );
          const more = [engine.tables.rotation(step), engine.tables.patterns, engine.prime(position)];
          const order = { after: [after], outside: supplied.outside, group };
          this.#tape.task(Op.keyInnerPermuted, [...args, ...more], order);
        });
        supplied.used(group);
        return group;
      });
      steps.forEach((_, i) => {
        this.#switcher.divide(
          outs[i]!,
          { block: sums[i]!, ready },
          engine.specialPositions(),
          (component, p) => (component === 0 ? engine.limb(firsts[i]!, 0, p) : 0),
        );
      });
    });
  }

  /**
   * out = Σ rot(source, step) ⊗ weight. All rotations are hoisted and summed modulo Q·P; the sum is divided by P once.
   * If `out` has two polynomials it is also relinearized (unless weights are plain: then the sum has two), and if it is one level lower also rescaled.
   */
  rotateInner(out: Block, terms: readonly RotatedWeight[]): void {
    this.#instruction(() => {
      const sums = recordRotatedSum(this.#engine, this.#tape, this.#switcher, terms, (step, level) =>
        this.#rotationKey(step, level),
      );
      if (out.size === sums.block.size) {
        const rescaled = out.level < sums.block.level ? [sums.block.level] : [];
        this.#switcher.divide(out, sums, [...this.#engine.specialPositions(), ...rescaled]);
        return;
      }
      this.#relinearizeTimesP(out, sums);
    });
  }

  /** As {@link #relinearize} for three polynomials that are yet to be divided by P: only the third is divided first. */
  #relinearizeTimesP(out: Block, sums: Accumulators): void {
    const engine = this.#engine;
    const tape = this.#tape;
    const { level } = sums.block;
    const rescaling = out.level < level;
    const third = this.#switcher.scratch(1, level);
    const shifted: Accumulators = {
      block: { ...sums.block, address: engine.limb(sums.block, 2, 0), size: 1 },
      ready: sums.ready,
    };
    this.#switcher.divide(third, shifted, engine.specialPositions());
    tape.barrier();
    const decomposition: Decomposition = this.#switcher.decompose((p) => engine.limb(third, 0, p), level);
    const key = this.#relinearizationKey(level);
    const inner = this.#switcher.keyInner(decomposition, key, 0, rescaling ? [level] : []);
    const ready = new Map<number, Group>();
    for (const position of engine.positions(level, true)) {
      const group = tape.group();
      for (const component of [0, 1]) {
        const to = engine.limb(inner.block, component, position);
        const args = [to, to, engine.limb(sums.block, component, position), engine.prime(position)];
        tape.task(Op.add, args, { after: [inner.ready.get(position)!], group });
      }
      ready.set(position, group);
    }
    const divisor = [...engine.specialPositions(), ...(rescaling ? [level] : [])];
    this.#switcher.divide(out, { block: inner.block, ready }, divisor);
  }

  /** Room for a sum of rotated products of `level`. @param products polynomials of each: 2 with weights that are not encrypted */
  rotatedSum(level: number, products: 2 | 3 = 3): RotatedSum {
    return new RotatedSum(this.#engine, this.#tape, this.#switcher, level, products);
  }

  /** sum += source, relinearized where it has three polynomials, rescaled and rotated by `step` (normalized, 0 for none). */
  addRotated(sum: RotatedSum, source: Block, step: number): void {
    this.#instruction(() => {
      const relinearization = source.size === 3 ? this.#relinearizationKey(source.level) : null;
      const rotation = step === 0 ? null : { step, key: this.#rotationKey(step, source.level - 1) };
      sum.add(source, relinearization, rotation);
    });
  }

  /** out = sum. */
  finishRotated(out: Block, sum: RotatedSum): void {
    this.#instruction(() => sum.finish(out));
    sum.release();
  }
}
