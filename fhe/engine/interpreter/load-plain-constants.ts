import { FheError } from '../../errors.ts';
import type { PlainConstant } from '../../program/plain-weights.ts';
import { mulMod } from '../../ring/modular.ts';
import type { Block, EngineContext } from '../evaluator/context.ts';
import { isStreamed } from '../evaluator/weight.ts';
import type { EngineConstant } from './recorder.ts';

/**
 * Writes constants that are not encrypted to where they were placed, one at a time.
 *
 * @throws FheError FHE_STATE where one has no place in memory
 */
export function loadPlainConstants(
  engine: EngineContext,
  placed: readonly EngineConstant[],
  constants: Iterable<PlainConstant>,
): void {
  let index = 0;
  for (const { first } of constants) {
    const { factor, addend } = placed[index++]!;
    if (addend !== null) engine.write(addend, first);
    if (factor === null) continue;
    if (isStreamed(factor)) throw new FheError('FHE_STATE', 'a plain constant is not in memory');
    engine.write(factor, montgomery(engine, factor, first));
  }
}

/** Residues times 2^32, as the kernel takes factors. */
function montgomery(engine: EngineContext, { level, special }: Block, residues: Uint32Array): Uint32Array {
  const degree = engine.parameters.ringDegree;
  const scaled = new Uint32Array(residues.length);
  engine.positions(level, special).forEach((position, limb) => {
    const q = engine.primes[position]!;
    const factor = 2 ** 32 % q;
    const reciprocal = 1 / q;
    for (let i = limb * degree; i < (limb + 1) * degree; i++)
      scaled[i] = mulMod(residues[i]!, factor, q, reciprocal);
  });
  return scaled;
}
