import { invMod, mulMod, subMod } from '../ring/modular.ts';
import { createRing, type Ring } from '../ring/ring.ts';
import type { Ciphertext } from './ciphertext.ts';
import type { ParametersLiteral } from './parameters.ts';
import {
  expandRingSwitchHalf,
  RING_SWITCH_DIGIT_BITS,
  RING_SWITCH_DIGITS,
  type RingSwitchKey,
  ringSwitchPrimes,
} from './ring-switch-key.ts';

/**
 * Switches ciphertexts of level 0 and size 2 to the small result ring, in plain TypeScript: the twin of the engine's switch, and fast
 * enough for the reference interpreter. Slot i of the result is the mean of the source slots i, i + n/2, i + n, …
 *
 * 1. Key switching from s to s′(X^(N/n)) modulo q₀, with centered digits, and rounded division by P′.
 * 2. The secret is now in the subring of X^(N/n), over which X^j (j < N/n) is a basis: every (N/n)-th coefficient of both polynomials
 * forms the ciphertext of that part of the message, its trace over N/n, a mean of slots.
 * 3. Division by q₀/q′ with rounding.
 */
export function createRingSwitch(
  parameters: ParametersLiteral,
  result: { readonly ringDegree: number; readonly modulus: number },
  key: RingSwitchKey,
  ring: Ring = createRing(parameters.ringDegree),
): (ciphertext: Ciphertext) => Ciphertext {
  const degree = parameters.ringDegree;
  const primes = ringSwitchPrimes(parameters);
  const [q, p] = primes;
  const halves = [key.b, expandRingSwitchHalf(parameters, key.seed)];
  const small = createRing(result.ringDegree);
  const pInverse = invMod(p, q);

  /** Digits, in coefficient form, of a polynomial modulo q₀ in NTT form: x = Σ digit_d · 2^(15 d), |digit| slightly above 2^14 at most. */
  function digitsOf(polynomial: Uint32Array): Int32Array[] {
    const coefficients = polynomial.slice();
    ring.ntt(q).inverse(coefficients);
    const digits = Array.from({ length: RING_SWITCH_DIGITS }, () => new Int32Array(degree));
    const base = 2 ** RING_SWITCH_DIGIT_BITS;
    for (let i = 0; i < degree; i++) {
      const centered = coefficients[i]! > q / 2 ? coefficients[i]! - q : coefficients[i]!;
      const high = Math.round(centered / base);
      digits[0]![i] = centered - high * base;
      digits[1]![i] = high;
    }
    return digits;
  }

  /** (sum of limbs q₀, P′) / P′, rounded, as coefficients modulo q₀. */
  function divideByP(sum: Uint32Array): Uint32Array {
    const main = sum.subarray(0, degree);
    const special = sum.subarray(degree);
    ring.ntt(q).inverse(main);
    ring.ntt(p).inverse(special);
    return main.map((value, i) => {
      const remainder = special[i]! > p / 2 ? special[i]! - p + q : special[i]!;
      return mulMod(subMod(value, remainder % q, q), pInverse, q);
    });
  }

  function switchKey(polynomial: Uint32Array): [Uint32Array, Uint32Array] {
    const sums = halves.map(() => new Uint32Array(2 * degree));
    digitsOf(polynomial).forEach((digit, index) => {
      primes.forEach((prime, limb) => {
        const residues = Uint32Array.from(digit, (value) => (value < 0 ? value + prime : value));
        ring.ntt(prime).forward(residues);
        const from = (index * 2 + limb) * degree;
        sums.forEach((sum, half) => {
          for (let i = 0, at = limb * degree; i < degree; i++, at++) {
            sum[at] = (sum[at]! + mulMod(residues[i]!, halves[half]![from + i]!, prime)) % prime;
          }
        });
      });
    });
    return [divideByP(sums[0]!), divideByP(sums[1]!)];
  }

  /** round(x · q′ / q₀) modulo q′: with r = x·q′ mod q₀, centered, it is (x·q′ − r) / q₀ = −r / q₀ modulo q′. */
  function changeModulus(value: number): number {
    const target = result.modulus;
    if (target === q) return value;
    const r = mulMod(value, target % q, q);
    const centered = r > q / 2 ? r - q : r;
    const negative = ((-centered % target) + target) % target;
    return mulMod(negative, invMod(q % target, target), target);
  }

  return ({ scale, residues }) => {
    const [first, second] = switchKey(residues.subarray(degree));
    const c0 = residues.slice(0, degree);
    ring.ntt(q).inverse(c0);
    const stride = degree / result.ringDegree;
    const out = new Uint32Array(2 * result.ringDegree);
    for (let i = 0; i < result.ringDegree; i++) {
      out[i] = changeModulus((c0[i * stride]! + first[i * stride]!) % q);
      out[result.ringDegree + i] = changeModulus(second[i * stride]!);
    }
    small.ntt(result.modulus).forward(out.subarray(0, result.ringDegree));
    small.ntt(result.modulus).forward(out.subarray(result.ringDegree));
    return { size: 2, level: 0, scale: (scale * result.modulus) / q, residues: out };
  };
}
