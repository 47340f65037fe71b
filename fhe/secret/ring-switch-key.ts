import type { ParametersLiteral } from '../ckks/parameters.ts';
import {
  expandRingSwitchHalf,
  RING_SWITCH_DIGIT_BITS,
  RING_SWITCH_DIGITS,
  type RingSwitchKey,
  ringSwitchPrimes,
} from '../ckks/ring-switch-key.ts';
import { addMod, mulMod, subMod } from '../ring/modular.ts';
import type { Ring } from '../ring/ring.ts';
import { liftSmall, sampleError } from '../ring/samplers.ts';
import { secretResidues } from './secret-key.ts';
import type { EncryptionSeeds } from './symmetric.ts';

/**
 * Makes a {@link RingSwitchKey}; a pure function of its seeds.
 *
 * @param secret ternary coefficients of s, N of them.
 * @param resultSecret ternary coefficients of s′, n of them.
 */
export function makeRingSwitchKey(
  parameters: ParametersLiteral,
  ring: Ring,
  secret: Int8Array,
  resultSecret: Int8Array,
  seeds: EncryptionSeeds,
): RingSwitchKey {
  const degree = ring.degree;
  const primes = ringSwitchPrimes(parameters);
  const [q, p] = primes;
  const stride = degree / resultSecret.length;
  const embedded = new Int8Array(degree);
  resultSecret.forEach((value, i) => {
    embedded[i * stride] = value;
  });
  const under = secretResidues(ring, embedded, primes);
  const from = secretResidues(ring, secret, [q]);
  const a = expandRingSwitchHalf(parameters, seeds.uniform);
  const b = new Uint32Array(a.length);
  const noise = new Uint32Array(degree);
  for (let digit = 0; digit < RING_SWITCH_DIGITS; digit++) {
    const error = sampleError(degree, seeds.error, { digit, limb: 0 });
    const factor = mulMod(p % q, 2 ** (RING_SWITCH_DIGIT_BITS * digit), q);
    primes.forEach((prime, limb) => {
      liftSmall(noise, error, prime);
      ring.ntt(prime).forward(noise);
      for (let i = 0; i < degree; i++) {
        const at = (digit * 2 + limb) * degree + i;
        const mask = mulMod(a[at]!, under[limb * degree + i]!, prime);
        const message = limb === 0 ? mulMod(factor, from[i]!, q) : 0;
        b[at] = addMod(subMod(noise[i]!, mask, prime), message, prime);
      }
    });
    error.fill(0);
  }
  for (const buffer of [noise, embedded, under, from]) buffer.fill(0);
  return { ringDegree: resultSecret.length, b, seed: seeds.uniform };
}
