import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FheError } from '../errors.ts';
import { createNtt } from '../ring/ntt.ts';
import { testRandom } from '../testing/parameters.ts';
import { createAnswerForm, lengthen, shorten } from './answer.ts';
import { HEADER_BYTES } from './format.ts';
import { checkParameters, findPrimes } from './parameters.ts';
import { encodeCiphertext } from './serialization.ts';

const degree = 2048;
const ring = (q: number) => checkParameters({ ringDegree: degree, moduli: [q], specialModuli: [] });

/** Distance around the circle of residues. */
const distance = (a: number, b: number, q: number): number => Math.min(Math.abs(a - b), q - Math.abs(a - b));

describe('shortened coefficients', () => {
  it.each([
    [findPrimes(degree, 30, 1)[0]!, 27],
    [findPrimes(degree, 30, 1)[0]!, 21],
    [2 ** 29 + 2 ** 12 + 1, 27],
    [findPrimes(degree, 24, 1)[0]!, 23],
  ])('modulo %i in %i bits: as near as can be, and every number is one coefficient', (q, bits) => {
    const next = testRandom(bits);
    const step = q / 2 ** bits;
    const edges = [0, 1, q - 1, q - 2, Math.floor(step / 2), Math.ceil(step / 2), q - Math.floor(step / 2)];
    const values = Uint32Array.from({ length: 20_000 }, (_, i) => edges[i] ?? Math.floor(next() * q));
    const short = values.slice();
    shorten(short, q, bits);
    expect(short.every((v) => v < 2 ** bits)).toBe(true);
    const long = short.slice();
    lengthen(long, q, bits);
    expect(long.every((v) => v < q)).toBe(true);
    const worst = values.reduce((most, v, i) => Math.max(most, distance(v, long[i]!, q)), 0);
    expect(worst).toBeLessThanOrEqual(step / 2 + 0.5);
    // Exact against bigint, and back to the same number.
    const power = 2n ** BigInt(bits);
    expect([...long.subarray(0, 500)]).toEqual(
      Array.from(short.subarray(0, 500), (v) => Number((2n * BigInt(v) * BigInt(q) + power) / (2n * power))),
    );
    const again = long.slice();
    shorten(again, q, bits);
    expect(again).toEqual(short);
    const top = Uint32Array.of(2 ** bits - 1);
    lengthen(top, q, bits);
    expect(top[0]!).toBeLessThan(q);
  });
});

describe('the compact form of an answer', () => {
  const q = findPrimes(degree, 30, 1)[0]!;
  const parameters = ring(q);
  const form = createAnswerForm(parameters, true);
  const next = testRandom(1);
  const residues = Uint32Array.from({ length: 2 * degree }, () => Math.floor(next() * q));
  const answer = { size: 2, level: 0, scale: 2 ** 28 / 3, residues } as const;
  const bytes = form.encode(answer);

  it('takes 12 KB, and keeps coefficients to the bits that matter', () => {
    expect(bytes.length).toBe(HEADER_BYTES + 8 + 12_288);
    expect(form.bytes(0, 2)).toBe(bytes.length);
    const back = form.decode(bytes);
    expect(back).toMatchObject({ size: 2, level: 0, scale: answer.scale });
    const ntt = createNtt(degree, q);
    [2 ** 8, 2 ** 2].forEach((bound, half) => {
      const [before, after] = [residues, back.residues].map((all) => {
        const values = all.slice(half * degree, (half + 1) * degree);
        ntt.inverse(values);
        return values;
      });
      const worst = before!.reduce((most, v, i) => Math.max(most, distance(v, after![i]!, q)), 0);
      expect(worst).toBeLessThanOrEqual(bound + 0.5);
      expect(worst).toBeGreaterThan(bound / 2);
    });
    expect(form.decode(Buffer.concat([Buffer.alloc(3), bytes]).subarray(3))).toEqual(back);
    // Rounding what was rounded changes nothing.
    expect(Buffer.compare(form.encode(back), bytes)).toBe(0);
  });

  it('is the only form that is read, and has one way to be written', () => {
    expect(() => form.decode(encodeCiphertext(parameters, answer))).toThrow('kind 1: expected 6');
    expect(() => createAnswerForm(parameters, false).decode(bytes)).toThrow('kind 6: expected 1');
    expect(() => createAnswerForm(ring(findPrimes(degree, 24, 1)[0]!), true).decode(bytes)).toThrow(
      'other parameters',
    );
    expect(() => form.encode({ ...answer, size: 3, residues: new Uint32Array(3 * degree) })).toThrow(
      'no compact form',
    );
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), (length) => {
        expect(() => form.decode(bytes.subarray(0, length))).toThrow(FheError);
      }),
      { numRuns: 50 },
    );
    expect(() => form.decode(Buffer.concat([bytes, Buffer.alloc(1)]))).toThrow('1 bytes after its end');
    fc.assert(
      fc.property(fc.oneof(fc.nat(bytes.length - 1), fc.nat(40)), fc.nat(7), (at, bit) => {
        const damaged = bytes.slice();
        damaged[at] = damaged[at]! ^ (1 << bit);
        let back: ReturnType<typeof form.decode>;
        try {
          back = form.decode(damaged);
        } catch (error) {
          expect(error).toMatchObject({ code: 'FHE_FORMAT' });
          return;
        }
        expect(Buffer.compare(form.encode(back), damaged)).toBe(0);
      }),
      { numRuns: 200 },
    );
  });
});
