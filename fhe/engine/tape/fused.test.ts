import { afterAll, describe, expect, it } from 'vitest';
import { findPrimes } from '../../ckks/parameters.ts';
import { galoisElement, nttPermutation } from '../../ring/automorphism.ts';
import { addMod, invMod, mulMod, subMod } from '../../ring/modular.ts';
import { createNtt } from '../../ring/ntt.ts';
import { expectSame } from '../../testing/expect-same.ts';
import { EXTREMES, extremeResidues, KernelBench, montgomery } from '../../testing/kernel-bench.ts';
import { testRandom } from '../../testing/parameters.ts';
import { placeRange } from '../memory/place-range.ts';
import { shoupCompanion } from '../memory/tables.ts';
import { Op } from './tape.ts';

const degree = 2048;
/** The largest prime, and one near the lower end of what parameters allow. */
const [q, low] = [30, 23].map((bits) => findPrimes(degree, bits, 1)[0]!) as [number, number];
const cases = EXTREMES.flatMap((kind) => [q, low].map((prime) => ({ kind, prime })));

/** A fused term as the kernel reads it, and its meaning. */
type Term = {
  readonly step: number;
  readonly digits: readonly Uint32Array[];
  /** Both halves of the key of each digit. */
  readonly keys: readonly (readonly [Uint32Array, Uint32Array])[];
  readonly a: readonly [Uint32Array, Uint32Array];
  readonly w: readonly [Uint32Array, Uint32Array];
};

/** Σ rot(a) ⊗ w modulo q·P by its definition, rot(a) = P·a rotated, plus Σ digit·key. */
function rotateInnerTwin(terms: readonly Term[], p: number, modulus: number): Uint32Array[] {
  const sums = [0, 1, 2].map(() => new Uint32Array(degree));
  const reciprocal = 1 / modulus;
  const times = (x: number, y: number): number => mulMod(x, y, modulus, reciprocal);
  for (const { step, digits, keys, a, w } of terms) {
    const from = nttPermutation(galoisElement(step, degree), degree);
    for (let i = 0; i < degree; i++) {
      let first = times(a[0][from[i]!]!, p);
      let second = step === 0 ? times(a[1][i]!, p) : 0;
      if (step !== 0) {
        digits.forEach((digit, d) => {
          first = addMod(first, times(digit[from[i]!]!, keys[d]![0][i]!), modulus);
          second = addMod(second, times(digit[from[i]!]!, keys[d]![1][i]!), modulus);
        });
      }
      const cross = addMod(times(first, w[1][i]!), times(second, w[0][i]!), modulus);
      sums[0]![i] = addMod(sums[0]![i]!, times(first, w[0][i]!), modulus);
      sums[1]![i] = addMod(sums[1]![i]!, cross, modulus);
      sums[2]![i] = addMod(sums[2]![i]!, times(second, w[1][i]!), modulus);
    }
  }
  return sums;
}

describe.each(['release', 'debug'] as const)('fused steps of the kernel, %s build', (build) => {
  const bench = new KernelBench(degree, build);
  afterAll(() => bench.close());

  it.each(cases)('rotates and multiplies in one pass: $kind, modulo $prime', ({ kind, prime: modulus }) => {
    const { arena, tables } = bench;
    for (const [terms, digits] of [
      [1, 20],
      [3, 8],
      [4, 9],
      [17, 1],
    ] as const) {
      const residues = (seed: number): Uint32Array => extremeResidues(kind, degree, modulus, seed);
      // Some terms do not rotate; the wide steps wrap around.
      const list = Array.from({ length: terms }, (_, t): Term => {
        const seed = 1000 * t;
        return {
          step: [5, 0, 1023, 512][t % 4]!,
          digits: Array.from({ length: digits }, (_, d) => residues(seed + d)),
          keys: Array.from({ length: digits }, (_, d) => [
            residues(seed + 100 + d),
            residues(seed + 200 + d),
          ]),
          a: [residues(seed + 300), residues(seed + 301)],
          w: [residues(seed + 302), residues(seed + 303)],
        };
      });
      const records = list.flatMap(({ step, digits, keys, a, w }) => {
        const own = a.map((half) => arena.place(half));
        const weights = w.map((half) => arena.place(montgomery(half, modulus)));
        if (step === 0) return [0, 0, 0, 0, 0, 0, ...own, ...weights, 0, 0];
        // The key has two digits more than the source.
        const halves = 2 * (keys.length + 2);
        const key = new Uint32Array(halves * degree).fill(0xffffffff);
        keys.flat().forEach((half, h) => {
          const stored = montgomery(half, modulus);
          for (let i = 0; i < degree; i++) key[((i >> 2) * halves + h) * 4 + (i & 3)] = stored[i]!;
        });
        const array = arena.place(digits.map((digit) => arena.place(digit)));
        const keyArgs = [array, digits.length, arena.place(key), 16 * halves, 0];
        return [tables.rotation(step), ...keyArgs, ...own, ...weights, 0, 0];
      });
      const address = arena.place(records);
      const to = bench.room(3 * degree);
      // P is 0 modulo a special prime.
      for (const p of [modulus - 1, 12_345, 0]) {
        const expected = rotateInnerTwin(list, p, modulus);
        arena.view(to, 3 * degree).fill(0xffffffff);
        // In two unequal parts, neither of them a whole number of tiles.
        for (const [from, end] of [
          [0, 1600],
          [1600, 4 * degree],
        ] as const) {
          const args = [to, 4 * degree, address, terms, p, shoupCompanion(p, modulus), tables.patterns];
          bench.run(Op.rotateInner, [...args, placeRange(arena, from, end), tables.prime(modulus)], to);
        }
        expected.forEach((part, i) => {
          expectSame(arena.view(to + 4 * degree * i, degree), part);
        });
      }
    }
  });

  describe.each([
    { modulus: q, special: findPrimes(degree, 30, 2)[1]! },
    { modulus: low, special: q },
    { modulus: q, special: low },
  ])('encryption modulo $modulus, special prime $special', ({ modulus, special }) => {
    const errors = Int32Array.from({ length: degree }, (_, i) => [21, -21, 0, (i % 43) - 21][i & 3]!);

    it.each(EXTREMES)('encryptTop: %s', (kind) => {
      const u = extremeResidues(kind, degree, special, 1);
      const key = extremeResidues(kind, degree, special, 2);
      for (const h of [(special - 1) / 2, 0, special - 1]) {
        const expected = u.map((x, i) => mulMod(x, key[i]!, special));
        createNtt(degree, special).inverse(expected);
        expected.forEach((x, i) => {
          expected[i] = (x + errors[i]! + h + special) % special;
        });
        const to = bench.room();
        const args = [bench.arena.place(u), bench.arena.place(montgomery(key, special))];
        const prime = bench.tables.prime(special);
        expectSame(
          bench.run(Op.encryptTop, [to, ...args, bench.arena.place(errors), h, prime], to),
          expected,
        );
      }
    });

    it.each(EXTREMES)('encryptLimb: %s', (kind) => {
      const twin = createNtt(degree, modulus);
      const u = extremeResidues(kind, degree, modulus, 3);
      const key = extremeResidues(kind, degree, modulus, 4);
      const top = extremeResidues(kind, degree, special, 5);
      const next = testRandom(6);
      const limit = 2 ** 52;
      // Whole numbers below 2^52, among them the largest, multiples of the prime and the midpoints between them.
      const edges = [limit - 1, 1 - limit, 0, modulus, -modulus, (modulus - 1) / 2, (modulus + 1) / 2];
      edges.push(Math.floor(limit / modulus - 1) * modulus, (1 - modulus) / 2, (-1 - modulus) / 2);
      const message = Float64Array.from(
        { length: degree },
        (_, i) => edges[i] ?? Math.round((2 * next() - 1) * (limit - 1)),
      );
      const half = (special - 1) / 2;
      const inverse = invMod(special % modulus, modulus);
      const lift = modulus * Math.ceil((2 ** 29 + 64) / modulus);
      const constants = [(lift - half) >>> 0, inverse, shoupCompanion(inverse, modulus)];
      const args = [
        bench.arena.place(u),
        bench.arena.place(montgomery(key, modulus)),
        bench.arena.place(top),
        bench.arena.place(errors),
      ];
      const placed = bench.arena.placeDoubles(message);
      for (const m of [0, placed]) {
        const inner = top.map((t, i) => {
          const divided = mulMod(modulo(t - half - errors[i]!, modulus), inverse, modulus);
          return m === 0 ? divided : subMod(divided, modulo(message[i]!, modulus), modulus);
        });
        twin.forward(inner);
        const expected = u.map((x, i) => subMod(mulMod(x, key[i]!, modulus), inner[i]!, modulus));
        const to = bench.room();
        const rest = [m, bench.arena.place(constants), bench.tables.prime(modulus)];
        expectSame(bench.run(Op.encryptLimb, [to, ...args, ...rest], to), expected);
      }
    });
  });

  it.each(cases)('splits into two digits: $kind, modulo $prime', ({ kind, prime: modulus }) => {
    const source = extremeResidues(kind, degree, modulus, 7);
    const half = (modulus - 1) / 2;
    // Where the sign changes, and where the lower digit's does.
    source.set([0, 1, half, half + 1, modulus - 1, 2 ** 14 - 1, 2 ** 14, modulus - 2 ** 14], 8);
    source.set([modulus - 2 ** 14 - 1, 3 * 2 ** 14, 3 * 2 ** 14 - 1, modulus - 3 * 2 ** 14], 16);
    const centered = Int32Array.from(source, (x) => (x > half ? x - modulus : x));
    const high = centered.map((x) => Math.floor((x + 2 ** 14) / 2 ** 15));
    const below = bench.room();
    const above = bench.room();
    bench.run(Op.splitDigits, [below, above, bench.arena.place(source), bench.tables.prime(modulus)], below);
    expectSame(Int32Array.from(bench.arena.view(above, degree)), high);
    expectSame(
      Int32Array.from(bench.arena.view(below, degree)),
      centered.map((x, i) => x - high[i]! * 2 ** 15),
    );
  });

  describe.each([2, 4, 8])('shrink, every coefficient in %i', (stride) => {
    const count = degree / stride;
    const special = findPrimes(degree, 22, 1)[0]!;

    it.each([
      ['the modulus stays', q, q],
      ['to 24 bits', q, findPrimes(degree, 24, 1)[0]!],
      ['to 22 bits', q, findPrimes(degree, 22, 2)[1]!],
      ['to a larger prime', low, q],
    ])('%s', (_, from, target) => {
      const inverse = invMod(special % from, from);
      const words = [special, inverse, shoupCompanion(inverse, from)];
      if (target === from) words.push(0, 0, 0, 0, 0, 0);
      else {
        const back = invMod(from % target, target);
        words.push(target, target % from, shoupCompanion(target % from, from));
        words.push(target * Math.ceil(from / 2 / target), back, shoupCompanion(back, target));
      }
      const constants = bench.arena.place(words);
      for (const kind of EXTREMES) {
        const main = extremeResidues(kind, degree, from, 8);
        const rest = extremeResidues(kind, degree, special, 9);
        const addend = extremeResidues(kind, degree, from, 10);
        for (const [i, x] of [(special - 1) / 2, (special + 1) / 2, 0, special - 1].entries())
          rest[i * stride] = x;
        const [mainAt, restAt, addendAt] = [main, rest, addend].map((values) => bench.arena.place(values));
        for (const added of [0, addendAt!]) {
          const expected = Uint32Array.from({ length: count }, (_, i) => {
            const at = i * stride;
            const remainder = rest[at]! > special / 2 ? rest[at]! - special : rest[at]!;
            const divided = mulMod(modulo(main[at]! - remainder, from), inverse, from);
            const value = BigInt(added === 0 ? divided : addMod(divided, addend[at]!, from));
            if (target === from) return Number(value);
            // Nearest: the prime is odd, so there is no tie.
            return Number(
              ((2n * value * BigInt(target) + BigInt(from)) / (2n * BigInt(from))) % BigInt(target),
            );
          });
          const to = bench.room(count);
          const args = [to, mainAt!, restAt!, added, stride, count, constants, bench.tables.prime(from)];
          expectSame(bench.run(Op.shrink, args, to, count), expected);
        }
      }
    });
  });

  it('clears and copies exactly the bytes it is told', () => {
    const words = Uint32Array.from({ length: 64 }, (_, i) => i + 1);
    const from = bench.arena.place(words);
    const to = bench.arena.place(new Uint32Array(64).fill(7));
    expect([...bench.run(Op.copy, [to + 16, from, 40 * 4], to, 64)]).toEqual([
      7,
      7,
      7,
      7,
      ...words.subarray(0, 40),
      ...Array.from({ length: 20 }, () => 7),
    ]);
    expect([...bench.run(Op.clear, [to + 4, 62 * 4], to, 64)]).toEqual([
      7,
      ...Array.from({ length: 62 }, () => 0),
      7,
    ]);
  });
});

/** Whole numbers below 2^53 into [0, modulus). */
function modulo(value: number, modulus: number): number {
  const rest = value % modulus;
  return rest < 0 ? rest + modulus : rest;
}
