import { digitCount, digitOfLimb, expandKeyHalf, type KeySwitchKey } from '../ckks/evaluation-keys.ts';
import type { ParametersLiteral } from '../ckks/parameters.ts';
import { limbPrimes } from '../ckks/serialization.ts';
import { addMod, mulMod, subMod } from '../ring/modular.ts';
import type { Ring } from '../ring/ring.ts';
import { liftSmall, sampleError } from '../ring/samplers.ts';
import type { EncryptionSeeds } from './symmetric.ts';

/**
 * A key-switching key from s′ to s for ciphertexts of at most `level`, format and formula as in `KeySwitchKey`; a pure function of its
 * seeds. Digit d adds P·s′ on its own limbs only: that is P·g_d·s′ for the CRT gadget g_d, which is 1 modulo the primes of the
 * digit and 0 modulo the other data primes, and P·g_d is 0 modulo P.
 *
 * @param secret s modulo q₀ … q_level, P, NTT form.
 * @param target s′ modulo q₀ … q_level (more limbs are ignored), NTT form.
 */
export function makeKeySwitchKey(
  parameters: ParametersLiteral,
  ring: Ring,
  secret: Uint32Array,
  target: Uint32Array,
  level: number,
  seeds: EncryptionSeeds,
): KeySwitchKey {
  const degree = ring.degree;
  const primes = limbPrimes(parameters, level, 'QP');
  const a = expandKeyHalf(parameters, { level, seed: seeds.uniform });
  const b = new Uint32Array(a.length);
  const noise = new Uint32Array(degree);
  for (let digit = 0; digit < digitCount(parameters, level); digit++) {
    const error = sampleError(degree, seeds.error, { digit, limb: 0 });
    primes.forEach((q, limb) => {
      const reciprocal = 1 / q;
      const factor =
        limb <= level && digitOfLimb(parameters, limb) === digit
          ? parameters.specialModuli.reduce((product, p) => mulMod(product, p % q, q), 1)
          : 0;
      liftSmall(noise, error, q);
      ring.ntt(q).forward(noise);
      const start = (digit * primes.length + limb) * degree;
      for (let i = 0; i < degree; i++) {
        const at = start + i;
        const mask = mulMod(a[at]!, secret[limb * degree + i]!, q, reciprocal);
        const message = factor === 0 ? 0 : mulMod(factor, target[limb * degree + i]!, q, reciprocal);
        b[at] = addMod(subMod(noise[i]!, mask, q), message, q);
      }
    });
    error.fill(0);
  }
  noise.fill(0);
  return { level, b, seed: seeds.uniform };
}
