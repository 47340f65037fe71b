import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findPrimes } from '../ckks/parameters.ts';
import { galoisElement, nttPermutation } from './automorphism.ts';
import { bitReverse } from './bit-reverse.ts';
import { composeCentered } from './compose.ts';
import { addMod, invMod, mulMod, mulModPrepared, powMod, subMod } from './modular.ts';
import { createNtt } from './ntt.ts';
import { minimalPrimitiveRoot } from './primitive-root.ts';
import { liftSmall, StreamPurpose, sampleError, sampleTernary, sampleUniform } from './samplers.ts';

const seed = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);

describe('modular arithmetic', () => {
  const primes = [3, 1_048_583, 268_460_033, 1_073_692_673, 1_073_741_789];

  it('agrees with bigint for every prime size', () => {
    for (const q of primes) {
      const residue = fc.oneof(fc.integer({ min: 0, max: q - 1 }), fc.constantFrom(0, 1, q - 1, q >>> 1));
      fc.assert(
        fc.property(residue, residue, (a, b) => {
          const product = Number((BigInt(a) * BigInt(b)) % BigInt(q));
          expect(mulMod(a, b, q)).toBe(product);
          expect(mulModPrepared(a, b, b / q, q)).toBe(product);
          expect(addMod(a, b, q)).toBe((a + b) % q);
          expect(subMod(a, b, q)).toBe((a - b + q) % q);
        }),
        { numRuns: 2000 },
      );
    }
  });

  it('inverts', () => {
    for (const q of primes) for (const a of [1, 2, q - 1]) expect(mulMod(a, invMod(a, q), q)).toBe(1);
  });
});

describe('ntt', () => {
  const degree = 16;
  const q = findPrimes(degree, 30, 1)[0]!;

  it('has the smallest primitive root', () => {
    const roots = [];
    for (let i = 1; i < 2 * degree; i += 2) roots.push(powMod(minimalPrimitiveRoot(degree, q), i, q));
    expect(minimalPrimitiveRoot(degree, q)).toBe(Math.min(...roots));
    for (const root of roots) expect(powMod(root, degree, q)).toBe(q - 1);
  });

  it('evaluates at the odd powers of the root in reversed order', () => {
    const ntt = createNtt(degree, q);
    const polynomial = new Uint32Array(degree);
    sampleUniform(polynomial, q, seed(1), StreamPurpose.ciphertext, { digit: 0, limb: 0 });
    const transformed = polynomial.slice();
    ntt.forward(transformed);
    for (let i = 0; i < degree; i++) {
      const point = powMod(ntt.root, 2 * bitReverse(i, 4) + 1, q);
      let value = 0;
      for (let k = degree - 1; k >= 0; k--) value = addMod(mulMod(value, point, q), polynomial[k]!, q);
      expect(transformed[i]).toBe(value);
    }
    ntt.inverse(transformed);
    expect(transformed).toEqual(polynomial);
  });

  it('turns an automorphism into its permutation', () => {
    const ntt = createNtt(degree, q);
    const polynomial = Uint32Array.from({ length: degree }, (_, i) => i * i + 1);
    for (const step of [1, 3, -2]) {
      const element = galoisElement(step, degree);
      const moved = new Uint32Array(degree);
      for (let k = 0; k < degree; k++) {
        const exponent = (k * element) % (2 * degree);
        moved[exponent % degree] = exponent < degree ? polynomial[k]! : q - polynomial[k]!;
      }
      const source = polynomial.slice();
      ntt.forward(moved);
      ntt.forward(source);
      expect(Uint32Array.from(nttPermutation(element, degree), (i) => source[i]!)).toEqual(moved);
    }
  });
});

describe('composeCentered', () => {
  it('finds the signed value of residues', () => {
    const primes = findPrimes(16, 30, 3);
    const half = primes.reduce((product, q) => product * BigInt(q), 1n) / 2n;
    const values = [0n, 1n, -1n, half, -half, 123456789012345n, -98765432109876543210n];
    const limbs = new Uint32Array(primes.length * values.length);
    primes.forEach((q, limb) => {
      values.forEach((value, i) => {
        const remainder = value % BigInt(q);
        limbs[limb * values.length + i] = Number(remainder < 0n ? remainder + BigInt(q) : remainder);
      });
    });
    const composed = composeCentered(limbs, primes, values.length);
    values.forEach((value, i) => {
      expect(Math.abs(composed[i]! - Number(value))).toBeLessThanOrEqual(Math.abs(Number(value)) * 1e-15);
    });
  });
});

describe('samplers', () => {
  const q = findPrimes(4096, 30, 1)[0]!;
  const draw = (byte: number, digit: number, limb: number): Uint32Array => {
    const out = new Uint32Array(4096);
    sampleUniform(out, q, seed(byte), StreamPurpose.keySwitchKey, { digit, limb });
    return out;
  };

  it('draws the same uniform residues from the same seed, others from any other input', () => {
    expect(draw(1, 2, 3)).toEqual(draw(1, 2, 3));
    for (const other of [draw(2, 2, 3), draw(1, 3, 3), draw(1, 2, 4)])
      expect(other).not.toEqual(draw(1, 2, 3));
  });

  it('keeps its stream format', () => {
    // Pinned: bundles in the field hold seeds, so the stream may never change.
    expect([...draw(1, 2, 3).subarray(0, 4)]).toMatchInlineSnapshot(`
      [
        759060234,
        79676858,
        32104870,
        179945738,
      ]
    `);
  });

  it('does not depend on the length', () => {
    const short = new Uint32Array(100);
    sampleUniform(short, q, seed(1), StreamPurpose.keySwitchKey, { digit: 2, limb: 3 });
    expect(short).toEqual(draw(1, 2, 3).subarray(0, 100));
  });

  it('is uniform, ternary and binomial', () => {
    const uniform = draw(5, 0, 0);
    const mean = uniform.reduce((sum, value) => sum + value / q, 0) / uniform.length;
    expect(Math.max(...uniform)).toBeLessThan(q);
    expect(mean).toBeGreaterThan(0.48);
    expect(mean).toBeLessThan(0.52);
    const ternary = sampleTernary(30_000, seed(6));
    for (const value of [-1, 0, 1]) {
      const count = ternary.filter((v) => v === value).length;
      expect(Math.abs(count - 10_000)).toBeLessThan(400);
    }
    const errors = sampleError(30_000, seed(7), { digit: 0, limb: 0 });
    const variance = errors.reduce((sum, e) => sum + e * e, 0) / errors.length;
    expect(Math.abs(errors.reduce((sum, e) => sum + e, 0) / errors.length)).toBeLessThan(0.1);
    expect(variance).toBeGreaterThan(10);
    expect(variance).toBeLessThan(11);
    expect(errors.every((e) => Math.abs(e) <= 21)).toBe(true);
    expect(sampleError(100, seed(7), { digit: 1, limb: 0 })).not.toEqual(errors.subarray(0, 100));
  });

  it('lifts small values', () => {
    const out = new Uint32Array(3);
    liftSmall(out, Int8Array.of(-21, 0, 5), q);
    expect([...out]).toEqual([q - 21, 0, 5]);
  });
});
