import { digitCount, type KeyRequirements } from '../ckks/evaluation-keys.ts';
import type { ParametersLiteral } from '../ckks/parameters.ts';
import { ringSwitchResidues } from '../ckks/ring-switch-key.ts';
import { limbPrimes } from '../ckks/serialization.ts';
import type { Program } from './program.ts';

/** Polynomials of a constant: one where constants are not encrypted. */
export function constantSize(weights: Program['weights']): 1 | 2 {
  return weights === 'plain' ? 1 : 2;
}

const BYTES_OF_RESIDUE = Uint32Array.BYTES_PER_ELEMENT;

/**
 * Bytes that constants and evaluation keys take once they are expanded: both polynomials (of constants that are not encrypted, the one that they
 * have), four bytes a residue, of however few bits its prime is. The bundle holds one polynomial, and no more bits than a prime has: of five squares on CIFAR-10 1168 MB there are 2.9 GB here.
 */
export function materialBytes(
  parameters: ParametersLiteral,
  { constants, weights }: Pick<Program, 'constants' | 'weights'>,
  { relinearizationLevel, rotations, ringSwitch }: KeyRequirements,
): number {
  const limbs = (level: number, modulus: 'Q' | 'QP') => limbPrimes(parameters, level, modulus).length;
  const keyLevels = rotations.map(({ level }) => level);
  if (relinearizationLevel !== null) keyLevels.push(relinearizationLevel);
  const polynomials =
    constants.reduce((sum, { level, modulus }) => sum + limbs(level, modulus), 0) * constantSize(weights) +
    2 * keyLevels.reduce((sum, level) => sum + digitCount(parameters, level) * limbs(level, 'QP'), 0);
  const residues =
    polynomials * parameters.ringDegree + (ringSwitch === undefined ? 0 : 2 * ringSwitchResidues(parameters));
  return BYTES_OF_RESIDUE * residues;
}
