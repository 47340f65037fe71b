import { describe, expect, it } from 'vitest';
import { limbPrimes } from '../../ckks/serialization.ts';
import { createSealContext, type SealContext } from '../../seal/context.ts';
import { saveSeal, toSealCiphertext } from '../../seal/convert.ts';
import { readSealCiphertext } from '../../seal/format.ts';
import { SealScope } from '../../seal/runtime.ts';
import { expectSame } from '../../testing/expect-same.ts';
import { EXTREMES, extremeResidues, KernelBench } from '../../testing/kernel-bench.ts';
import { testParameters } from '../../testing/parameters.ts';
import { Op } from './tape.ts';

/** Where SEAL's ciphertext says whether it is in NTT form. */
const NTT_FORM_AT = 48;

/** Residues in coefficient form and, transformed again, in NTT form: both by SEAL. */
function transformBySeal(
  bridge: SealContext,
  level: number,
  residues: Uint32Array,
): { readonly coefficients: Uint32Array; readonly values: Uint32Array } {
  using scope = new SealScope();
  const evaluator = scope.own(new bridge.seal.Evaluator(bridge.context));
  const ciphertext = scope.own(toSealCiphertext(bridge, { size: 2, level, scale: 2 ** 20, residues }));
  evaluator.cipherTransformFromNttInplace(ciphertext);
  const saved = saveSeal(bridge.seal, ciphertext);
  expect(saved[NTT_FORM_AT]).toBe(0);
  // Our reader refuses coefficient form, and the fields are the same.
  saved[NTT_FORM_AT] = 1;
  const coefficients = readSealCiphertext(saved).residues;
  evaluator.cipherTransformToNttInplace(ciphertext);
  return { coefficients, values: readSealCiphertext(saveSeal(bridge.seal, ciphertext)).residues };
}

describe.each([
  { ringDegree: 4096, levels: 3, bits: 26 },
  { ringDegree: 8192, levels: 5, bits: 30 },
  { ringDegree: 16384, levels: 6, bits: 30 },
])('transforms beside SEAL, N = $ringDegree, $levels data primes', ({ ringDegree, levels, bits }) => {
  const parameters = testParameters(ringDegree, levels, { bits });
  const bytes = 4 * ringDegree;

  it('gives the same bits there and back, both builds, several chain lengths', async () => {
    const bridge = await createSealContext(parameters);
    const benches = (['release', 'debug'] as const).map((build) => new KernelBench(ringDegree, build));
    try {
      for (const level of [levels - 1, 1, 0]) {
        const primes = limbPrimes(parameters, level);
        for (const [round, kind] of EXTREMES.entries()) {
          // SEAL refuses a ciphertext that is zero; extremes on short chains only, to save time.
          if (kind === 'zero' || (kind !== 'random' && level > 1)) continue;
          const residues = new Uint32Array(2 * primes.length * ringDegree);
          for (let limb = 0; limb < 2 * primes.length; limb++) {
            const q = primes[limb % primes.length]!;
            residues.set(extremeResidues(kind, ringDegree, q, 10 * round + limb), limb * ringDegree);
          }
          const { coefficients, values } = transformBySeal(bridge, level, residues);
          expectSame(values, residues);
          for (const bench of benches) {
            for (let limb = 0; limb < 2 * primes.length; limb++) {
              const prime = bench.tables.prime(primes[limb % primes.length]!);
              const [from, to] = [limb * ringDegree, (limb + 1) * ringDegree];
              const source = bench.arena.place(residues.subarray(from, to));
              const inverted = bench.run(Op.inverseAdd, [source, source, 0, prime], source);
              expectSame(inverted, coefficients.subarray(from, to));
              expectSame(
                bench.run(Op.forward, [source, source, 0, prime], source),
                residues.subarray(from, to),
              );
              bench.arena.release(source, bytes);
            }
          }
        }
      }
    } finally {
      bridge.close();
      await Promise.all(benches.map((bench) => bench.close()));
    }
  });
});
