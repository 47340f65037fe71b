import type { Address } from '../memory/arena.ts';
import { shoupCompanion } from '../memory/tables.ts';
import { type Group, Op, type TapeRecorder } from '../tape/tape.ts';
import type { Block, EngineContext } from './context.ts';
import type { Accumulators, KeySwitcher } from './key-switch.ts';
import type { EngineKey } from './keys.ts';
import { isPlain, limbsAt, partOf, type Weight } from './weight.ts';

/** One term of `Evaluator.rotateInner`; `step` is normalized, `weight` modulo Q·P in Montgomery form. */
export type RotatedWeight = { readonly source: Block; readonly step: number; readonly weight: Weight };

/**
 * Σ rot(source, step) ⊗ weight times P, three polynomials modulo Q·P (two where weights are not encrypted): every source is decomposed once; for each prime one task (of each
 * thread) rotates, switches keys and multiplies.
 *
 * @param rotationKey finds the key of a step for a level, or throws.
 */
export function recordRotatedSum(
  engine: EngineContext,
  tape: TapeRecorder,
  switcher: KeySwitcher,
  terms: readonly RotatedWeight[],
  rotationKey: (step: number, level: number) => EngineKey,
): Accumulators {
  const { level } = terms[0]!.source;
  const sources = [...new Set(terms.filter(({ step }) => step !== 0).map(({ source }) => source))];
  const decompositions = sources.map((source) => switcher.decompose((p) => engine.limb(source, 1, p), level));
  const plain = isPlain(terms[0]!.weight);
  const block = switcher.scratch(plain ? 2 : 3, level, true);
  const consume = (position: number, digits: Address[][], after: Group | null): Group => {
    const arrays = digits.map((list) => engine.arena.place(list));
    const group = tape.group();
    recordPrime(
      block,
      terms,
      position,
      (source) => {
        const index = sources.indexOf(source);
        return { array: arrays[index]!, count: digits[index]!.length };
      },
      { after: [after], group },
    );
    return group;
  };
  if (decompositions.length > 0) {
    return { block, ready: switcher.forEachPrime(decompositions, [], consume) };
  }
  const positions = engine.positions(level, true);
  return { block, ready: new Map(positions.map((p) => [p, consume(p, [], null)])) };

  function recordPrime(
    block: Block,
    terms: readonly RotatedWeight[],
    position: number,
    digitsOf: (source: Block) => { array: Address; count: number },
    order: { after: (Group | null)[]; group: Group },
  ): void {
    const { level } = block;
    const q = engine.primes[position]!;
    const special = position >= engine.parameters.moduli.length;
    const keys = terms.map(({ step }) => (step === 0 ? null : rotationKey(step, level)));
    const supplied = switcher.supply([
      ...terms.map(({ weight }) => partOf(engine, weight, position)),
      ...keys.map((key) => key?.at(position) ?? 0),
    ]);
    const records = terms.flatMap(({ source, step, weight }, index) => {
      // On a special prime P·a vanishes; any readable address will do.
      const at = special ? 0 : position;
      const own = [engine.limb(source, 0, at), engine.limb(source, 1, at)];
      const weights = [...limbsAt(engine, weight, supplied.addresses[index]!), 0, 0];
      const key = keys[index];
      if (!key) return [0, 0, 0, 0, 0, 0, ...own, ...weights];
      const { array, count } = digitsOf(source);
      const from = supplied.addresses[terms.length + index]!;
      return [engine.tables.rotation(step), array, count, from, key.stride, 0, ...own, ...weights];
    });
    const address = engine.arena.place(records);
    const p = special
      ? 0
      : Number(engine.parameters.specialModuli.reduce((product, s) => product * BigInt(s), 1n) % BigInt(q));
    for (const range of engine.halves()) {
      const args = [
        engine.limb(block, 0, position),
        engine.distance(block),
        address,
        terms.length,
        p,
        shoupCompanion(p, q),
        engine.tables.patterns,
        range,
        engine.prime(position),
      ];
      tape.task(plain ? Op.rotateInnerPlain : Op.rotateInner, args, { ...order, outside: supplied.outside });
    }
    supplied.used(order.group);
  }
}
