import type { KeyIndex } from '../../ckks/evaluation-keys.ts';
import { MAX_CONSTANTS } from '../../ckks/serialization.ts';
import { constantSize } from '../../program/material-bytes.ts';
import type { Program, ProgramConstant } from '../../program/program.ts';
import type { EngineContext } from '../evaluator/context.ts';
import type { EngineKeys } from '../evaluator/evaluator.ts';
import { type EngineKey, keyPartBytes, placeKey, streamKey } from '../evaluator/keys.ts';
import type { Weight } from '../evaluator/weight.ts';
import type { MaterialItem } from './choose-resident.ts';
import type { MaterialUses } from './count-uses.ts';
import type { EngineConstant } from './recorder.ts';

/** Constants and keys that have their place, but no content yet. */
export type PlacedMaterial = { readonly constants: readonly EngineConstant[]; readonly keys: EngineKeys };

/** The number of the key for `step` among the items; constants have their own numbers. */
export function keyItem(step: number): number {
  return MAX_CONSTANTS + step;
}

/** Level of the key for `step` (0: relinearization) in a file of keys. */
export function keyLevel({ relinearization, rotations }: KeyIndex, step: number): number {
  return (step === 0 ? relinearization : rotations.get(step))!.level;
}

/** What a run reads and may stay in memory or not, by first use. */
export function listItems(
  engine: EngineContext,
  { constants, weights }: Program,
  { factors, keys, order }: MaterialUses,
  index: KeyIndex,
): MaterialItem[] {
  return order.map((entry) => {
    if ('factor' in entry) {
      const { level, modulus } = constants[entry.factor]!;
      const bytes = engine.blockBytes({ size: constantSize(weights), level, special: modulus === 'QP' });
      return { item: entry.factor, bytes, uses: factors.get(entry.factor)! };
    }
    const level = keyLevel(index, entry.key);
    const bytes = engine.limbCount(level, true) * keyPartBytes(engine, level);
    return { item: keyItem(entry.key), bytes, uses: keys.get(entry.key)! };
  });
}

/** Gives memory to what is resident and lets the rest come through the window. @param isResident by item number */
export function placeMaterial(
  engine: EngineContext,
  { constants, weights }: Program,
  { factors, addends, keys }: MaterialUses,
  index: KeyIndex,
  isResident: (item: number) => boolean,
): PlacedMaterial {
  const size = constantSize(weights);
  const weight = ({ level, modulus }: ProgramConstant, item: number): Weight => {
    const special = modulus === 'QP';
    if (isResident(item)) return engine.allocate(size, level, special);
    const bytes = 2 * engine.limbBytes;
    return { level, special, at: (position) => ({ item, position, bytes }) };
  };
  const key = (step: number): EngineKey => {
    const level = keyLevel(index, step);
    return isResident(keyItem(step)) ? placeKey(engine, level) : streamKey(engine, level, keyItem(step));
  };
  return {
    constants: constants.map((constant, item) => ({
      factor: factors.has(item) ? weight(constant, item) : null,
      // As small as they are few: always in memory.
      addend: addends.has(item) ? engine.allocate(size, constant.level, constant.modulus === 'QP') : null,
    })),
    keys: {
      relinearization: keys.has(0) ? key(0) : null,
      rotations: new Map([...keys.keys()].filter((step) => step !== 0).map((step) => [step, key(step)])),
    },
  };
}
