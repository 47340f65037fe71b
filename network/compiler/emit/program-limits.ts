import { ProgramLimits } from '#fhe';
import { NetworkError } from '#network/errors.ts';

/** The counts of a program. */
type ProgramParts = Readonly<Record<'inputs' | 'constants' | 'instructions', { readonly length: number }>>;

/**
 * Refuses what no gateway would accept (see `verifyProgram`), in terms of the network.
 *
 * @param shape of the picture.
 * @throws NetworkError NETWORK_TOO_LARGE, with the numbers and what to do.
 */
export function refuseBeyondLimits(
  { inputs, constants, instructions }: ProgramParts,
  shape: readonly number[],
): void {
  const refuse = (what: string, advice: string): never => {
    throw new NetworkError('NETWORK_TOO_LARGE', `${what}; ${advice}`);
  };
  if (inputs.length > ProgramLimits.inputs) {
    refuse(
      `a picture of ${shape.join('×')} would be encrypted as ${inputs.length} ciphertexts, ${ProgramLimits.inputs} at most`,
      'use smaller pictures, a larger stride in the first convolution, or fewer of its maps',
    );
  }
  for (const [count, most, what] of [
    [constants.length, ProgramLimits.constants, 'encrypted constants'],
    [instructions.length, ProgramLimits.instructions, 'operations'],
  ] as const) {
    if (count > most)
      refuse(`the network would take ${count} ${what}, ${most} at most`, 'use fewer maps, units or layers');
  }
}
