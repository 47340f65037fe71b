import { digitCount, expandKeyHalf, type KeySwitchKey } from '../../ckks/evaluation-keys.ts';
import { mulMod } from '../../ring/modular.ts';
import type { Address } from '../memory/arena.ts';
import type { EngineContext } from './context.ts';

/**
 * A key-switching key in wasm memory, in Montgomery form, NTT form. For each prime, groups of four residues of each half of each digit
 * are interleaved: polynomial after polynomial would be slow (see `keyInner` in the kernel).
 */
export type EngineKey = {
  readonly level: number;
  /** Bytes of a group of four coefficients: 32 for each digit. */
  readonly stride: number;
  /** The part for the prime at a position. */
  at(position: number): Address;
};

/** Expands a key into wasm memory. */
export function loadKey(engine: EngineContext, key: KeySwitchKey): EngineKey {
  const { parameters } = engine;
  const degree = parameters.ringDegree;
  const digits = digitCount(parameters, key.level);
  const halves = [key.b, expandKeyHalf(parameters, key)];
  const positions = engine.positions(key.level, true);
  const limbWords = 2 * digits * degree;
  const address = engine.arena.allocate(positions.length * limbWords * 4);
  const words = engine.arena.words;
  positions.forEach((position, limb) => {
    const q = engine.primes[position]!;
    const one = 2 ** 32 % q;
    const reciprocal = 1 / q;
    for (let digit = 0; digit < digits; digit++) {
      const from = (digit * positions.length + limb) * degree;
      halves.forEach((half, which) => {
        let to = address / 4 + limb * limbWords + 8 * digit + 4 * which;
        for (let i = from; i < from + degree; i += 4, to += 8 * digits) {
          for (let lane = 0; lane < 4; lane++) words[to + lane] = mulMod(half[i + lane]!, one, q, reciprocal);
        }
      });
    }
  });
  return {
    level: key.level,
    stride: 32 * digits,
    at: (position) => address + engine.limbIndex(key.level, position) * limbWords * 4,
  };
}
