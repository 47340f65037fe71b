import { FheError } from '../../errors.ts';
import type { PlainConstant } from '../../program/plain-weights.ts';
import type { EngineContext } from '../evaluator/context.ts';
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
    engine.writeMontgomery(factor, first);
  }
}
