import { afterAll, describe, expect, it } from 'vitest';
import { findPrimes } from '../../ckks/parameters.ts';
import { createSlotTransform } from '../../ring/fourier.ts';
import { createNtt } from '../../ring/ntt.ts';
import { KernelBench } from '../../testing/kernel-bench.ts';
import { testRandom } from '../../testing/parameters.ts';
import { placeMap } from '../evaluator/encryptor.ts';
import { Op } from './tape.ts';

const degree = 8192;

function randomWords(count: number, seed: number): Uint32Array {
  const next = testRandom(seed);
  return Uint32Array.from({ length: count }, () => Math.floor(next() * 2 ** 32));
}

function countOnes(word: number): number {
  let ones = 0;
  for (let rest = word; rest > 0; rest = Math.floor(rest / 2)) ones += rest % 2;
  return ones;
}

describe.each(['release', 'debug'] as const)('encryption steps of the kernel, %s build', (build) => {
  const bench = new KernelBench(degree, build);
  afterAll(() => bench.close());

  it('samples ternary values: ⌊3r / 2^32⌋ − 1', () => {
    const words = randomWords(degree, 1);
    // The edges of the thirds.
    words.set([0, 0x55555555, 0x55555556, 0xaaaaaaaa, 0xaaaaaaab, 0xffffffff]);
    const to = bench.room();
    const signed = Int32Array.from(bench.run(Op.sampleTernary, [to, bench.arena.place(words), degree], to));
    expect(signed).toEqual(Int32Array.from(words, (r) => Math.floor((3 * r) / 2 ** 32) - 1));
    for (const value of [-1, 0, 1]) {
      const share = signed.filter((x) => x === value).length / degree;
      expect(Math.abs(share - 1 / 3)).toBeLessThan(0.03);
    }
  });

  it('samples errors from 21 + 21 coins', () => {
    const words = randomWords(2 * degree, 2);
    words.fill(0xffffffff, 0, 4).fill(0, 4, 8).fill(0, 8, 12).fill(0xffffffff, 12, 16);
    const to = bench.room();
    const signed = Int32Array.from(bench.run(Op.sampleError, [to, bench.arena.place(words), degree], to));
    const coins = (word: number): number => countOnes(word % 2 ** 21);
    const expected = Int32Array.from({ length: degree }, (_, i) => {
      const at = 8 * Math.floor(i / 4) + (i % 4);
      return coins(words[at]!) - coins(words[at + 4]!);
    });
    expect(signed).toEqual(expected);
    expect([...signed.subarray(0, 8)]).toEqual([21, 21, 21, 21, -21, -21, -21, -21]);
    const variance = signed.subarray(8).reduce((sum, x) => sum + x * x, 0) / (degree - 8);
    expect(variance).toBeGreaterThan(9.8);
    expect(variance).toBeLessThan(11.2);
  });

  it('transforms small signed values', () => {
    const [q] = findPrimes(degree, 30, 1) as [number];
    const small = Int32Array.from({ length: degree }, (_, i) => (i % 43) - 21);
    const expected = Uint32Array.from(small, (value) => (value + q) % q);
    createNtt(degree, q).forward(expected);
    const to = bench.room();
    const actual = bench.run(Op.forwardSmall, [to, bench.arena.place(small), bench.tables.prime(q)], to);
    expect(Buffer.compare(Buffer.from(actual.buffer), Buffer.from(expected.buffer))).toBe(0);
  });

  it.each([4096, 8192, 65536])('encodes as the slot transform does, N = %i', async (ring) => {
    const own = new KernelBench(ring, build);
    const next = testRandom(3);
    const values = Float32Array.from({ length: 100 }, () => next());
    const slots = Int32Array.from({ length: ring / 2 }, (_, i) => (i % 7 === 6 ? -1 : (i * 13) % 100));
    const scale = 2 ** 30;
    const expected = createSlotTransform(ring).toCoefficients(
      Float64Array.from(slots, (index) => (index < 0 ? 0 : values[index]!)),
    );
    const to = own.room(2 * ring);
    const placed = own.arena.allocate(values.byteLength);
    const factor = own.arena.placeDoubles(Float64Array.of(scale / slots.length));
    new Float32Array(own.arena.memory.buffer, placed, values.length).set(values);
    const map = own.arena.place(placeMap(slots, ring));
    own.run(Op.encode, [to, map, placed, own.tables.fourier(), factor, Math.log2(ring)], to, 2 * ring);
    const actual = new Float64Array(own.arena.memory.buffer, to, ring);
    let worst = 0;
    for (let i = 0; i < ring; i++) {
      expect(Number.isInteger(actual[i]!)).toBe(true);
      worst = Math.max(worst, Math.abs(actual[i]! - expected[i]! * scale));
    }
    // Rounding, and a little of float64.
    expect(worst).toBeLessThan(0.501);
    await own.close();
  });
});
