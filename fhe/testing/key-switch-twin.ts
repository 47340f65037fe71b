import { digitCount, digitOfLimb, expandKeyHalf, type KeySwitchKey } from '../ckks/evaluation-keys.ts';
import type { ParametersLiteral } from '../ckks/parameters.ts';
import { limbPrimes } from '../ckks/serialization.ts';
import { mulMod } from '../ring/modular.ts';
import type { Ring } from '../ring/ring.ts';

/**
 * Key switching by its definition, in bigint, for any α: the slow twin of the kernel. Digits are composed exactly and centered,
 * the division by P rounds to nearest.
 *
 * @param polynomial c modulo q₀ … q_level, NTT form.
 * @param key of at least this level.
 * @returns two polynomials modulo q₀ … q_level in NTT form, d₀ + d₁·s ≈ c·s′.
 */
export function keySwitchTwin(
  parameters: ParametersLiteral,
  ring: Ring,
  polynomial: Uint32Array,
  level: number,
  key: KeySwitchKey,
): [Uint32Array, Uint32Array] {
  const degree = ring.degree;
  const { specialModuli } = parameters;
  const primes = limbPrimes(parameters, level, 'QP');
  const keyLimbs = key.level + 1 + specialModuli.length;
  const halves = [key.b, expandKeyHalf(parameters, key)];
  const sums = halves.map(() => new Uint32Array(primes.length * degree));
  const coefficients = polynomial.slice();
  for (let limb = 0; limb <= level; limb++) {
    ring.ntt(primes[limb]!).inverse(coefficients.subarray(limb * degree, (limb + 1) * degree));
  }
  for (let digit = 0; digit < digitCount(parameters, level); digit++) {
    const limbs = Array.from({ length: level + 1 }, (_, limb) => limb).filter(
      (limb) => digitOfLimb(parameters, limb) === digit,
    );
    const values = composeCenteredBig(
      limbs.map((limb) => coefficients.subarray(limb * degree, (limb + 1) * degree)),
      limbs.map((limb) => primes[limb]!),
    );
    primes.forEach((q, limb) => {
      const residues = reduceBig(values, q);
      ring.ntt(q).forward(residues);
      const keyLimb = limb <= level ? limb : limb - level + key.level;
      const from = (digit * keyLimbs + keyLimb) * degree;
      sums.forEach((sum, half) => {
        for (let i = 0, at = limb * degree; i < degree; i++, at++) {
          sum[at] = (sum[at]! + mulMod(residues[i]!, halves[half]![from + i]!, q)) % q;
        }
      });
    });
  }
  const [first, second] = sums.map((sum) => divideByP(parameters, ring, sum, level));
  return [first!, second!];
}

/** Division by P with rounding: from q₀ … q_level, P to q₀ … q_level; NTT form. */
export function divideByP(
  parameters: ParametersLiteral,
  ring: Ring,
  sum: Uint32Array,
  level: number,
): Uint32Array {
  const degree = ring.degree;
  const { specialModuli } = parameters;
  const special = specialModuli.map((p, i) => {
    const limb = sum.slice((level + 1 + i) * degree, (level + 2 + i) * degree);
    ring.ntt(p).inverse(limb);
    return limb;
  });
  const remainders = composeCenteredBig(special, specialModuli);
  const result = new Uint32Array((level + 1) * degree);
  limbPrimes(parameters, level).forEach((q, limb) => {
    const remainder = reduceBig(remainders, q);
    ring.ntt(q).forward(remainder);
    const inverse = invert(
      specialModuli.reduce((product, p) => mulMod(product, p % q, q), 1),
      q,
    );
    for (let i = 0, at = limb * degree; i < degree; i++, at++) {
      result[at] = mulMod((sum[at]! + q - remainder[i]!) % q, inverse, q);
    }
  });
  return result;
}

/** Chinese remainders to centered whole numbers. */
export function composeCenteredBig(limbs: readonly Uint32Array[], primes: readonly number[]): bigint[] {
  const product = primes.reduce((all, q) => all * BigInt(q), 1n);
  const factors = primes.map((q) => {
    const rest = product / BigInt(q);
    return rest * BigInt(invert(Number(rest % BigInt(q)), q));
  });
  return Array.from(limbs[0]!, (_, i) => {
    const value = limbs.reduce((sum, limb, j) => sum + BigInt(limb[i]!) * factors[j]!, 0n) % product;
    return value * 2n > product ? value - product : value;
  });
}

function reduceBig(values: readonly bigint[], q: number): Uint32Array {
  const modulus = BigInt(q);
  return Uint32Array.from(values, (value) => Number(((value % modulus) + modulus) % modulus));
}

/** Extended Euclid, on purpose not the method of the code under test. */
function invert(a: number, q: number): number {
  let [r0, r1, t0, t1] = [q, a % q, 0, 1];
  while (r1 !== 0) {
    const quotient = Math.floor(r0 / r1);
    [r0, r1] = [r1, r0 - quotient * r1];
    [t0, t1] = [t1, t0 - quotient * t1];
  }
  return t0 < 0 ? t0 + q : t0;
}
