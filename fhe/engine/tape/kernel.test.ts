import { afterAll, describe, expect, it } from 'vitest';
import { findPrimes } from '../../ckks/parameters.ts';
import { galoisElement, nttPermutation } from '../../ring/automorphism.ts';
import { addMod, invMod, mulMod } from '../../ring/modular.ts';
import { createNtt } from '../../ring/ntt.ts';
import { expectSame } from '../../testing/expect-same.ts';
import { EXTREMES, extremeResidues, KernelBench, montgomery } from '../../testing/kernel-bench.ts';
import { testRandom } from '../../testing/parameters.ts';
import { placeRange } from '../memory/place-range.ts';
import { shoupCompanion } from '../memory/tables.ts';
import { Op } from './tape.ts';

/** The largest prime, and one near the lower end of what parameters allow. */
const primesOf = (degree: number): number[] => [...findPrimes(degree, 30, 1), ...findPrimes(degree, 23, 1)];

describe.each(['release', 'debug'] as const)('kernel, %s build', (build) => {
  describe.each([2048, 4096, 8192, 16384, 32768, 65536])('transforms, N = %i', (degree) => {
    const bench = new KernelBench(degree, build);
    afterAll(() => bench.close());

    it.each(primesOf(degree))('modulo %i', (q) => {
      const twin = createNtt(degree, q);
      const prime = bench.tables.prime(q);
      const to = bench.room();
      for (const kind of EXTREMES) {
        const values = extremeResidues(kind, degree, q, degree);
        const from = bench.arena.place(values);
        const expected = values.slice();
        twin.forward(expected);
        const forward = bench.run(Op.forward, [to, from, 0, prime], to);
        expectSame(forward, expected);
        expectSame(bench.run(Op.inverseAdd, [to, to, 0, prime], to), values);
        expectSame(
          bench.run(Op.inverseAdd, [to, bench.arena.place(expected), q - 1, prime], to),
          values.map((value) => (value + q - 1) % q),
        );
        bench.arena.release(from, degree * 4);
      }
    });

    it('takes loose values and an offset, and gives canonical ones', () => {
      const [q] = primesOf(degree) as [number];
      const twin = createNtt(degree, q);
      const prime = bench.tables.prime(q);
      const to = bench.room();
      for (const kind of EXTREMES) {
        const loose = extremeResidues(kind, degree, 4 * q, 3);
        const expected = loose.map((value) => value % q);
        twin.forward(expected);
        expectSame(bench.run(Op.forward, [to, bench.arena.place(loose), 0, prime], to), expected);
        const shifted = extremeResidues(kind, degree, 3 * q, 4);
        const moved = shifted.map((value) => (value + q - 1) % q);
        twin.forward(moved);
        expectSame(bench.run(Op.forward, [to, bench.arena.place(shifted), q - 1, prime], to), moved);
      }
    });
  });

  describe('limb operations, N = 2048', () => {
    const degree = 2048;
    const bench = new KernelBench(degree, build);
    afterAll(() => bench.close());
    const [q, low] = primesOf(degree) as [number, number];
    const cases = EXTREMES.flatMap((kind) => [q, low].map((p) => ({ kind, p })));

    it.each(cases)('add, scale, multiply, square: $kind, modulo $p', ({ kind, p }) => {
      const prime = bench.tables.prime(p);
      const a = extremeResidues(kind, degree, p, 1);
      const b = extremeResidues(kind, degree, p, 2);
      const [at, bt, to] = [bench.arena.place(a), bench.arena.place(b), bench.room()];
      expectSame(
        bench.run(Op.add, [to, at, bt, prime], to),
        a.map((x, i) => addMod(x, b[i]!, p)),
      );
      const w = p - 2;
      expectSame(
        bench.run(Op.scale, [to, at, w, shoupCompanion(w, p), prime], to),
        a.map((x) => mulMod(x, w, p)),
      );
      const product = a.map((x, i) => mulMod(x, b[i]!, p));
      expectSame(bench.run(Op.multiply, [to, at, bench.arena.place(montgomery(b, p)), prime], to), product);
      const pair = bench.arena.place([...a, ...b]);
      const three = [0, 1, 2].map(() => bench.room());
      bench.run(Op.square, [...three, pair, degree * 4, prime], to);
      expectSame(
        bench.arena.view(three[0]!, degree),
        a.map((x) => mulMod(x, x, p)),
      );
      expectSame(
        bench.arena.view(three[1]!, degree),
        product.map((x) => addMod(x, x, p)),
      );
      expectSame(
        bench.arena.view(three[2]!, degree),
        b.map((x) => mulMod(x, x, p)),
      );
    });

    it.each(cases)('tensor of up to 21 terms: $kind, modulo $p', ({ kind, p }) => {
      const prime = bench.tables.prime(p);
      for (const count of [1, 3, 4, 5, 21]) {
        const parts = Array.from({ length: 4 * count }, (_, i) => extremeResidues(kind, degree, p, 10 + i));
        const expected = [0, 1, 2].map(() => new Uint32Array(degree));
        for (let k = 0; k < count; k++) {
          const [a0, a1, w0, w1] = parts.slice(4 * k, 4 * k + 4) as [
            Uint32Array,
            Uint32Array,
            Uint32Array,
            Uint32Array,
          ];
          for (let i = 0; i < degree; i++) {
            const cross = addMod(mulMod(a0[i]!, w1[i]!, p), mulMod(a1[i]!, w0[i]!, p), p);
            expected[0]![i] = addMod(expected[0]![i]!, mulMod(a0[i]!, w0[i]!, p), p);
            expected[1]![i] = addMod(expected[1]![i]!, cross, p);
            expected[2]![i] = addMod(expected[2]![i]!, mulMod(a1[i]!, w1[i]!, p), p);
          }
        }
        const to = [0, 1, 2].map(() => bench.room());
        for (const plain of [0, 1]) {
          const placed = parts.map((values, i) =>
            bench.arena.place(plain === 0 && i % 4 >= 2 ? montgomery(values, p) : values),
          );
          const terms = bench.arena.place(
            Array.from({ length: count }, (_, k) => {
              const [a0, a1, w0, w1] = placed.slice(4 * k, 4 * k + 4) as [number, number, number, number];
              return [a0, a1 - a0, w0, w1 - w0];
            }).flat(),
          );
          // In two unequal parts, neither of them a whole number of tiles.
          for (const [from, end] of [
            [0, 1600],
            [1600, 4 * degree],
          ] as const) {
            const range = placeRange(bench.arena, from, end);
            bench.run(Op.tensor, [...to, terms, count, 0, prime, plain, range], to[0]!);
          }
          to.forEach((at, i) => {
            expectSame(bench.arena.view(at, degree), expected[i]!);
          });
        }
      }
    });

    it.each(cases)('key products of up to 20 digits, plain and permuted: $kind, modulo $p', ({ kind, p }) => {
      const prime = bench.tables.prime(p);
      const { patterns } = bench.tables;
      for (const count of [1, 7, 8, 9, 20]) {
        const digits = Array.from({ length: count }, (_, i) => extremeResidues(kind, degree, p, 20 + i));
        const keys = Array.from({ length: 2 * count }, (_, i) => extremeResidues(kind, degree, p, 60 + i));
        const stored = keys.map((values) => montgomery(values, p));
        const interleaved = new Uint32Array(2 * count * degree);
        for (let i = 0; i < degree; i++) {
          stored.forEach((half, h) => {
            interleaved[((i >> 2) * 2 * count + h) * 4 + (i & 3)] = half[i]!;
          });
        }
        const key = bench.arena.place(interleaved);
        const list = bench.arena.place(digits.map((values) => bench.arena.place(values)));
        const inner = (permutation: (i: number) => number): Uint32Array[] =>
          [0, 1].map((half) =>
            Uint32Array.from({ length: degree }, (_, i) =>
              digits.reduce(
                (sum, values, d) =>
                  addMod(sum, mulMod(values[permutation(i)]!, keys[2 * d + half]![i]!, p), p),
                0,
              ),
            ),
          );
        const to = [bench.room(), bench.room()];
        const common = [...to, list, count];
        bench.run(Op.keyInner, [...common, key, 32 * count, prime], to[0]!);
        const straight = inner((i) => i);
        to.forEach((at, i) => {
          expectSame(bench.arena.view(at, degree), straight[i]!);
        });
        const steps = [3, 1023];
        const permuted = steps.map((step) => {
          const permutation = nttPermutation(galoisElement(step, degree), degree);
          const table = bench.tables.rotation(step);
          bench.run(Op.keyInnerPermuted, [...common, key, 32 * count, table, patterns, prime], to[0]!);
          const expected = inner((i) => permutation[i]!);
          to.forEach((at, i) => {
            expectSame(bench.arena.view(at, degree), expected[i]!);
          });
          return expected;
        });
        const rotations = bench.arena.place(
          steps.flatMap((step) => [bench.tables.rotation(step), key, 32 * count]),
        );
        bench.run(Op.foldInner, [...common, rotations, steps.length, patterns, prime], to[0]!);
        to.forEach((at, half) => {
          expectSame(
            bench.arena.view(at, degree),
            permuted[0]![half]!.map((x, i) => addMod(x, permuted[1]![half]![i]!, p)),
          );
        });
      }
    });

    it.each([1, 2, 5, 512, 1023])('automorphism of a rotation by %i', (step) => {
      const prime = bench.tables.prime(q);
      const { patterns } = bench.tables;
      const permutation = nttPermutation(galoisElement(step, degree), degree);
      const a = extremeResidues('random', degree, q, 1);
      const b = extremeResidues('mixed', degree, q, 2);
      const [at, bt, to] = [bench.arena.place(a), bench.arena.place(b), bench.room()];
      const table = bench.tables.rotation(step);
      const moved = Uint32Array.from(permutation, (from) => a[from]!);
      expectSame(bench.run(Op.permute, [to, at, table, patterns, prime], to), moved);
      const w = q - 5;
      const scaled = moved.map((x, i) => addMod(b[i]!, mulMod(x, w, q), q));
      const args = [w, shoupCompanion(w, q)];
      expectSame(bench.run(Op.addScaled, [to, bt, at, ...args, table, patterns, prime], to), scaled);
      expectSame(
        bench.run(Op.addScaled, [to, bt, at, ...args, 0, patterns, prime], to),
        a.map((x, i) => addMod(b[i]!, mulMod(x, w, q), q)),
      );
      const tables = bench.arena.place([table, table]);
      expectSame(
        bench.run(Op.permuteSum, [to, bt, at, tables, 2, patterns, prime], to),
        moved.map((x, i) => addMod(b[i]!, addMod(x, x, q), q)),
      );
    });

    it.each([1, 2, 3, 4])('exact division by a product of %i primes', (k) => {
      const primes = findPrimes(degree, 30, k + 1);
      const divisors = primes.slice(1);
      const [target] = primes as [number];
      const product = divisors.reduce((all, p) => all * BigInt(p), 1n);
      const half = (product - 1n) / 2n;
      const next = testRandom(k);
      // Random values of the divisors' base, and the extremes around the rounding edge.
      const values = Array.from({ length: degree }, (_, i) => {
        if (i < 6) return [0n, 1n, half, half + 1n, product - 1n, half - 1n][i]!;
        return divisors.reduce((sum, p) => (sum * BigInt(p) + BigInt(Math.floor(next() * p))) % product, 0n);
      });
      const limbs = divisors.map((p) =>
        bench.arena.place(values.map((value) => Number((value + half) % BigInt(p)))),
      );
      const list = bench.arena.place(limbs);
      const records = bench.arena.place(divisors.map((p) => bench.tables.prime(p)));
      const inverses = divisors.flatMap((p, i) =>
        divisors.slice(0, i).flatMap((other) => {
          const inverse = invMod(other % p, p);
          return [inverse, shoupCompanion(inverse, p)];
        }),
      );
      bench.run(Op.mixedRadix, [list, k, records, bench.arena.place([...inverses, 0])], limbs[0]!);
      const big = BigInt(target);
      const weights: number[] = [];
      let weight = 1n;
      for (const p of divisors) {
        weights.push(Number(weight), shoupCompanion(Number(weight), target));
        weight = (weight * BigInt(p)) % big;
      }
      const factors = bench.arena.place([Number((big - (half % big)) % big), ...weights]);
      const inverse = invMod(Number(product % big), target);
      const source = extremeResidues('random', degree, target, 5);
      const addend = extremeResidues('top', degree, target, 6);
      const centered = values.map((value) => (value > half ? value - product : value));
      const twin = createNtt(degree, target);
      const transformed = Uint32Array.from(centered, (value) => Number(((value % big) + big) % big));
      twin.forward(transformed);
      const prime = bench.tables.prime(target);
      const to = bench.room();
      for (const direct of k === 1 ? [0, 1] : [0]) {
        expectSame(bench.run(Op.convertForward, [to, list, k, factors, direct, prime], to), transformed);
        for (const add of [0, 1]) {
          const expected = source.map((x, i) => {
            const divided = mulMod((x + target - transformed[i]!) % target, inverse, target);
            return add === 1 ? addMod(divided, addend[i]!, target) : divided;
          });
          const args = [
            to,
            bench.arena.place(source),
            list,
            k,
            factors,
            direct,
            inverse,
            shoupCompanion(inverse, target),
            add === 1 ? bench.arena.place(addend) : 0,
            prime,
          ];
          expectSame(bench.run(Op.divide, args, to), expected);
        }
      }
    });
  });
});

describe('kernel, debug build', () => {
  it('refuses values out of range', async () => {
    const bench = new KernelBench(4096, 'debug');
    const [q] = primesOf(4096) as [number];
    const bad = bench.arena.place(new Uint32Array(4096).fill(q));
    const to = bench.room();
    const prime = bench.tables.prime(q);
    expect(() => bench.run(Op.add, [to, bad, bad, prime], to)).toThrow('engine failed');
    await bench.close();
  });
});
