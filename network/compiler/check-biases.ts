import type { Program } from '#fhe';
import { NetworkError } from '#network/errors.ts';
import { LOGIT_HEADROOM } from './compile-limits.ts';
import type { CompileOptions } from './compiled-network.ts';
import type { ConstantRecipe } from './emit/emitter.ts';

/**
 * Refuses what a layer adds where an encryption has no room for it, whatever the rest of a value is: a polynomial whose slots are v has no
 * coefficient above the mean of |v|, and each has to stay below half of the modulus.
 *
 * @param constants slots of the program's constants, in units of calibrated ranges
 * @throws NetworkError NETWORK_DATA.
 */
export function checkBiases(
  { constants: specs, parameters }: Program,
  recipes: readonly ConstantRecipe[],
  constants: readonly Float64Array[],
  { logitRange }: Pick<CompileOptions, 'logitRange'>,
): void {
  const last = Math.max(...recipes.map(({ step }) => step));
  for (const [i, { kind, step }] of recipes.entries()) {
    if (kind !== 'bias') continue;
    const { level, scale } = specs[i]!;
    const half = parameters.moduli.slice(0, level + 1).reduce((product, prime) => product * prime, 0.5);
    const slots = constants[i]!;
    const mean = slots.reduce((sum, value) => sum + Math.abs(value), 0) / slots.length;
    if (mean * scale < half) continue;
    const most = slots.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
    const what =
      step === last
        ? `the last layer adds up to ${(most * LOGIT_HEADROOM * logitRange).toPrecision(4)} to an output, but the largest output that calibration found is ${logitRange}`
        : `linear step ${step + 1} adds up to ${most.toPrecision(3)} times the largest value that calibration found there`;
    throw new NetworkError(
      'NETWORK_DATA',
      `${what}: an answer has no room for that; calibrate with pictures like those that the network will see`,
    );
  }
}
