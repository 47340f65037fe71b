import type { KeyIndex, KeyRequirements } from '../ckks/evaluation-keys.ts';
import { FheError } from '../errors.ts';
import { normalizeStep } from '../ring/automorphism.ts';

/** Collects which evaluation keys a program uses, each at the highest level of its uses. */
export class RequirementCollector {
  #relinearizationLevel: number | null = null;
  #ringSwitch: number | null = null;
  readonly #rotations: { step: number; level: number }[] = [];

  relinearization(level: number): void {
    this.#relinearizationLevel = Math.max(this.#relinearizationLevel ?? 0, level);
  }

  rotation(step: number, level: number): void {
    this.#rotations.push({ step, level });
  }

  ringSwitch(ringDegree: number): void {
    this.#ringSwitch = ringDegree;
  }

  /** Steps normalized to [1, N/2), ascending; a rotation by zero needs no key. */
  finish(ringDegree: number): KeyRequirements {
    const levels = new Map<number, number>();
    for (const { step, level } of this.#rotations) {
      const normalized = normalizeStep(step, ringDegree);
      if (normalized !== 0) levels.set(normalized, Math.max(levels.get(normalized) ?? 0, level));
    }
    return {
      relinearizationLevel: this.#relinearizationLevel,
      rotations: [...levels].sort(([a], [b]) => a - b).map(([step, level]) => ({ step, level })),
      ...(this.#ringSwitch === null ? {} : { ringSwitch: this.#ringSwitch }),
    };
  }
}

/**
 * Checks that a set of keys suffices for a program.
 *
 * @throws FheError FHE_KEY_MISSING naming the key and the level.
 */
export function checkKeys(requirements: KeyRequirements, keys: KeyIndex): void {
  const check = (what: string, key: { readonly level: number } | null | undefined, level: number): void => {
    if (key === null || key === undefined) {
      throw new FheError('FHE_KEY_MISSING', `${what}: missing, needed at level ${level}`);
    }
    if (key.level < level) {
      throw new FheError('FHE_KEY_MISSING', `${what}: made for level ${key.level}, needed at level ${level}`);
    }
  };
  if (requirements.relinearizationLevel !== null) {
    check('relinearization key', keys.relinearization, requirements.relinearizationLevel);
  }
  for (const { step, level } of requirements.rotations) {
    check(`rotation key of step ${step}`, keys.rotations.get(step), level);
  }
  if (requirements.ringSwitch !== undefined && keys.ringSwitch?.ringDegree !== requirements.ringSwitch) {
    throw new FheError(
      'FHE_KEY_MISSING',
      `ring-switching key: ${keys.ringSwitch === undefined ? 'missing' : `made for ring ${keys.ringSwitch.ringDegree}`}, needed for ring ${requirements.ringSwitch}`,
    );
  }
}
