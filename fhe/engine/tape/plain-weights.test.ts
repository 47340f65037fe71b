import { afterAll, describe, expect, it } from 'vitest';
import { findPrimes } from '../../ckks/parameters.ts';
import { addMod, mulMod } from '../../ring/modular.ts';
import { expectSame } from '../../testing/expect-same.ts';
import { EXTREMES, extremeResidues, KernelBench, montgomery } from '../../testing/kernel-bench.ts';
import { placeRange } from '../memory/place-range.ts';
import { shoupCompanion } from '../memory/tables.ts';
import { Op } from './tape.ts';

const degree = 2048;
/** The largest prime, and one near the lower end of what parameters allow. */
const [q, low] = [30, 23].map((bits) => findPrimes(degree, bits, 1)[0]!) as [number, number];
const cases = EXTREMES.flatMap((kind) => [q, low].map((prime) => ({ kind, prime })));
/** In two unequal parts, neither of them a whole number of tiles. */
const RANGES = [
  [0, 1600],
  [1600, 4 * degree],
] as const;
const COUNTS = [1, 7, 8, 9, 21];

describe.each(['release', 'debug'] as const)('products with plain weights, %s build', (build) => {
  const bench = new KernelBench(degree, build);
  afterAll(() => bench.close());

  it.each(cases)('adds up products: $kind, modulo $prime', ({ kind, prime: modulus }) => {
    const { arena, tables } = bench;
    for (const count of COUNTS) {
      const list = Array.from({ length: count }, (_, k) =>
        [0, 1, 2].map((i) => extremeResidues(kind, degree, modulus, 10 * k + i)),
      ) as [Uint32Array, Uint32Array, Uint32Array][];
      const expected = [0, 1].map((half) =>
        Uint32Array.from({ length: degree }, (_, i) =>
          list.reduce((sum, term) => addMod(sum, mulMod(term[half]![i]!, term[2][i]!, modulus), modulus), 0),
        ),
      );
      // The addresses of a term lie `offset` behind what it says.
      const offset = 64;
      const terms = arena.place(
        list.flatMap(([a0, a1, w]) => {
          const [first, second] = [arena.place(a0), arena.place(a1)];
          return [first - offset, second - first, arena.place(montgomery(w, modulus)) - offset, 0];
        }),
      );
      const to = [bench.room(), bench.room()];
      for (const [from, end] of RANGES) {
        const args = [...to, terms, count, offset, tables.prime(modulus), placeRange(arena, from, end)];
        bench.run(Op.innerPlain, args, to[0]!);
      }
      to.forEach((at, half) => {
        expectSame(arena.view(at, degree), expected[half]!);
      });
    }
  });

  it.each(cases)(
    'is the rotated sum with weights (w, 0): $kind, modulo $prime',
    ({ kind, prime: modulus }) => {
      const { arena, tables } = bench;
      const zero = arena.place(new Uint32Array(degree));
      for (const count of COUNTS) {
        const residues = (seed: number): number => arena.place(extremeResidues(kind, degree, modulus, seed));
        const stored = (seed: number): number =>
          arena.place(montgomery(extremeResidues(kind, degree, modulus, seed), modulus));
        const digits = 3;
        const records = Array.from({ length: count }, (_, k) => {
          const step = [5, 0, 1023][k % 3]!;
          const own = [residues(100 * k), residues(100 * k + 1), stored(100 * k + 2)];
          if (step === 0) return [0, 0, 0, 0, 0, 0, ...own, zero, 0, 0];
          const key = arena.place(
            montgomery(extremeResidues(kind, 2 * digits * degree, modulus, 100 * k + 3), modulus),
          );
          const array = arena.place(Array.from({ length: digits }, (_, d) => residues(100 * k + 10 + d)));
          return [tables.rotation(step), array, digits, key, 32 * digits, 0, ...own, zero, 0, 0];
        });
        const terms = arena.place(records.flat());
        // What a term of one polynomial says of the second is never read.
        const plain = arena.place(records.flatMap((record) => record.map((word, i) => (i === 9 ? 0 : word))));
        const [encrypted, to] = [bench.room(3 * degree), bench.room(2 * degree)];
        for (const p of [modulus - 1, 0]) {
          arena.view(to, 2 * degree).fill(0xffffffff);
          for (const [from, end] of RANGES) {
            const rest = [
              count,
              p,
              shoupCompanion(p, modulus),
              tables.patterns,
              placeRange(arena, from, end),
            ];
            const prime = tables.prime(modulus);
            bench.run(Op.rotateInner, [encrypted, 4 * degree, terms, ...rest, prime], encrypted);
            bench.run(Op.rotateInnerPlain, [to, 4 * degree, plain, ...rest, prime], to);
          }
          expectSame(arena.view(to, 2 * degree), arena.view(encrypted, 2 * degree));
          expect(arena.view(encrypted + 8 * degree, degree).every((word) => word === 0)).toBe(true);
        }
      }
    },
  );
});
