import { NetworkError } from '#network/errors.ts';
import { scaleAffine } from '../linear/affine.ts';
import type { StagedNetwork } from './lower.ts';

/**
 * What the calibrated range is mapped to. Typical values are a tenth of the largest ones, and nothing overflows between the
 * stages, so the peak may well exceed 1: on `counter` the worst logit error is 1.0e-2 with a peak of 0.8, 1.1e-3 with
 * 2.5, and 3.1e-3 with 5, where the noise of the next weights takes over.
 */
const PEAK = 2.5;

/**
 * Moves factors between the linear stages so that what enters each square is of magnitude 1: noise is then small against the
 * values. Exact: (a·x)² = a²·x², and the next stage divides by a². The last stage answers in units of `unit`. The
 * gateway sees nothing of it, because all weights are encrypted.
 *
 * Assumes: `ranges[i]` is the largest magnitude that enters square i (see `calibrateRanges`).
 */
export function balanceScales(network: StagedNetwork, ranges: readonly number[], unit = 1): StagedNetwork {
  const squares = network.stages.length - 1;
  if (ranges.length !== squares || ranges.some((range) => !(range > 0) || !Number.isFinite(range))) {
    throw new NetworkError(
      'NETWORK_DATA',
      `ranges [${ranges.join(', ')}]: expected ${squares} positive numbers`,
    );
  }
  const factors = ranges.map((range) => PEAK / range);
  const stages = network.stages.map((stage, i) =>
    scaleAffine(stage, factors[i] ?? 1 / unit, i === 0 ? 1 : 1 / factors[i - 1]! ** 2),
  );
  return { ...network, stages };
}
