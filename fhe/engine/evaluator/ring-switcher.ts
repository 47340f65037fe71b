import {
  expandRingSwitchHalf,
  RING_SWITCH_DIGITS,
  type RingSwitchKey,
  ringSwitchPrimes,
} from '../../ckks/ring-switch-key.ts';
import { invMod, mulMod } from '../../ring/modular.ts';
import type { Address } from '../memory/arena.ts';
import { KernelTables, shoupCompanion } from '../memory/tables.ts';
import { Op, type TapeRecorder } from '../tape/tape.ts';
import type { Block, EngineContext, ResiduePlace } from './context.ts';

/** A ring-switching key in wasm memory. */
export class RingSwitcher {
  readonly #engine: EngineContext;
  readonly #small: KernelTables;
  readonly #modulus: number;
  /** By limb (q₀, P′); interleaved as in `keyInner` of the kernel. */
  readonly #keys: readonly Address[];
  readonly #primes: readonly number[];
  readonly #constants: Address;

  constructor(
    engine: EngineContext,
    result: { readonly ringDegree: number; readonly modulus: number },
    key: RingSwitchKey,
  ) {
    this.#engine = engine;
    this.#modulus = result.modulus;
    this.#small = new KernelTables(engine.arena, result.ringDegree);
    this.#primes = ringSwitchPrimes(engine.parameters);
    const halves = [key.b, expandRingSwitchHalf(engine.parameters, key.seed)];
    this.#keys = this.#primes.map((_, limb) => this.#loadKey(halves, limb));
    this.#constants = engine.arena.place(shrinkConstants(this.#primes[0]!, this.#primes[1]!, result.modulus));
  }

  #loadKey(halves: readonly Uint32Array[], limb: number): Address {
    const degree = this.#engine.parameters.ringDegree;
    const q = this.#primes[limb]!;
    const one = 2 ** 32 % q;
    const words = new Uint32Array(2 * RING_SWITCH_DIGITS * degree);
    for (let digit = 0; digit < RING_SWITCH_DIGITS; digit++) {
      halves.forEach((half, which) => {
        const from = (digit * 2 + limb) * degree;
        for (let i = 0; i < degree; i++) {
          const group = (i >> 2) * 2 * RING_SWITCH_DIGITS + 2 * digit + which;
          words[4 * group + (i & 3)] = mulMod(half[from + i]!, one, q);
        }
      });
    }
    return this.#engine.arena.place(words);
  }

  /** Records the switch of a block of level 0: the same steps as `createRingSwitch`, bit for bit. @returns where the answer will be: two polynomials. */
  record(tape: TapeRecorder, source: Block): ResiduePlace {
    const engine = this.#engine;
    const { arena, tables } = engine;
    const degree = engine.parameters.ringDegree;
    const room = (): Address => arena.allocate(engine.limbBytes);
    const main = tables.prime(this.#primes[0]!);
    tape.barrier();
    const [c0, c1] = [room(), room()];
    const inverted = tape.group();
    tape.task(Op.inverseAdd, [c1, engine.limb(source, 1, 0), 0, main], { group: inverted });
    const low = room();
    const high = room();
    const split = tape.group();
    tape.task(Op.splitDigits, [low, high, c1, main], { after: [inverted], group: split });
    tape.task(Op.inverseAdd, [c0, engine.limb(source, 0, 0), 0, main]);
    const sums = this.#primes.map((q, limb) => {
      const prime = tables.prime(q);
      const transformed = tape.group();
      const digits = [low, high].map((digit) => {
        const to = room();
        tape.task(Op.forwardSmall, [to, digit, prime], { after: [split], group: transformed });
        return to;
      });
      const pair = [room(), room()];
      const summed = tape.group();
      const key = this.#keys[limb]!;
      const args = [...pair, arena.place(digits), digits.length, key, 32 * digits.length, prime];
      tape.task(Op.keyInner, args, { after: [transformed], group: summed });
      for (const at of pair) tape.task(Op.inverseAdd, [at, at, 0, prime], { after: [summed] });
      return pair;
    });
    tape.barrier();
    const n = this.#small.degree;
    const smallPrime = this.#small.prime(this.#modulus);
    const out = arena.allocate(2 * n * 4);
    for (const half of [0, 1] as const) {
      const to = out + half * n * 4;
      const shrunk = tape.group();
      const args = [
        to,
        sums[0]![half]!,
        sums[1]![half]!,
        half === 0 ? c0 : 0,
        degree / n,
        n,
        this.#constants,
        main,
      ];
      tape.task(Op.shrink, args, { group: shrunk });
      tape.task(Op.forward, [to, to, 0, smallPrime], { after: [shrunk] });
    }
    return { address: out, limbs: 2, limbBytes: n * 4, words: n };
  }
}

/** Constants of the kernel's `shrink`, from q and P′ to `target`. */
function shrinkConstants(q: number, p: number, target: number): number[] {
  const inverse = invMod(p, q);
  const words = [p, inverse, shoupCompanion(inverse, q)];
  if (target === q) return [...words, 0, 0, 0, 0, 0, 0];
  const factor = target % q;
  const back = invMod(q % target, target);
  const lift = target * Math.ceil(q / 2 / target);
  return [...words, target, factor, shoupCompanion(factor, q), lift, back, shoupCompanion(back, target)];
}
