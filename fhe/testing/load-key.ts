import { digitCount, expandKeyHalf, type KeySwitchKey } from '../ckks/evaluation-keys.ts';
import type { EngineContext } from '../engine/evaluator/context.ts';
import { type EngineKey, interleave, placeKey } from '../engine/evaluator/keys.ts';
import { toMontgomery } from '../ring/modular.ts';

/** Expands a key into the engine's memory: what an interpreter does with a packed one. */
export function loadKey(engine: EngineContext, key: KeySwitchKey): EngineKey {
  const { ringDegree } = engine.parameters;
  const placed = placeKey(engine, key.level);
  const { words } = engine.arena;
  const digits = digitCount(engine.parameters, key.level);
  const positions = engine.positions(key.level, true);
  for (const [half, all] of [key.b, expandKeyHalf(engine.parameters, key)].entries())
    for (let digit = 0; digit < digits; digit++)
      for (const [limb, position] of positions.entries()) {
        const from = (digit * positions.length + limb) * ringDegree;
        const residues = all.slice(from, from + ringDegree);
        toMontgomery(residues, engine.primes[position]!);
        interleave(words, placed.at(position) / 4, residues, { digit, digits, half });
      }
  return placed;
}
