import { invMod, mulMod, subMod } from './modular.ts';

/**
 * Chinese remainders to centered float64 values: residues of x modulo q₀ … q_l → x in (−Q/2, Q/2], rounded once.
 * Mixed-radix digits (Garner) are exact; a negative x is read from the digits of Q − 1 − x, which are q_j − 1 − digit, so
 * that no cancellation occurs.
 *
 * @param limbs (l + 1) × `degree` residues in coefficient form.
 */
export function composeCentered(limbs: Uint32Array, primes: readonly number[], degree: number): Float64Array {
  const count = primes.length;
  const inverses = primes.map((q, j) => primes.slice(0, j).map((earlier) => invMod(earlier % q, q)));
  const digits = new Float64Array(count);
  const out = new Float64Array(degree);
  for (let i = 0; i < degree; i++) {
    for (let j = 0; j < count; j++) {
      const q = primes[j]!;
      let value = limbs[j * degree + i]!;
      for (let k = 0; k < j; k++) value = mulMod(subMod(value, digits[k]! % q, q), inverses[j]![k]!, q);
      digits[j] = value;
    }
    // The sign is decided by the leading digits; if all are equal, x = (Q − 1) / 2, which is positive.
    let negative = false;
    for (let j = count - 1; j >= 0; j--) {
      const middle = (primes[j]! - 1) / 2;
      if (digits[j] !== middle) {
        negative = digits[j]! > middle;
        break;
      }
    }
    let sum = 0;
    for (let j = count - 1; j >= 0; j--) {
      sum = sum * primes[j]! + (negative ? primes[j]! - 1 - digits[j]! : digits[j]!);
    }
    out[i] = negative ? -sum - 1 : sum;
  }
  return out;
}
