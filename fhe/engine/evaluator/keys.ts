import { digitCount } from '../../ckks/evaluation-keys.ts';
import type { Address } from '../memory/arena.ts';
import type { Part } from '../window/window.ts';
import type { EngineContext } from './context.ts';

/**
 * A key-switching key in Montgomery form, NTT form. For each prime, groups of four residues of each half of each digit are interleaved:
 * polynomial after polynomial would be slow (see `keyInner` in the kernel).
 */
export type EngineKey = {
  readonly level: number;
  /** Bytes of a group of four coefficients: 32 for each digit. */
  readonly stride: number;
  /** The part for the prime at a position: {@link keyPartBytes}. */
  at(position: number): Part;
};

/** Bytes of a key of `level` for one prime. */
export function keyPartBytes({ parameters, residueBytes }: EngineContext, level: number): number {
  return 2 * digitCount(parameters, level) * residueBytes;
}

/** A key in memory. */
export type PlacedKey = Omit<EngineKey, 'at'> & { at(position: number): Address };

/** A key with memory for all its parts, which are written limb by limb: {@link interleave}. */
export function placeKey(engine: EngineContext, level: number): PlacedKey {
  const bytes = keyPartBytes(engine, level);
  const address = engine.arena.allocate(engine.limbCount(level, true) * bytes);
  return { ...shapeOf(engine, level), at: (position) => address + engine.limbIndex(level, position) * bytes };
}

/** A key whose parts come through the window. @param item names it there */
export function streamKey(engine: EngineContext, level: number, item: number): EngineKey {
  const bytes = keyPartBytes(engine, level);
  return { ...shapeOf(engine, level), at: (position) => ({ item, position, bytes }) };
}

function shapeOf({ parameters }: EngineContext, level: number): { level: number; stride: number } {
  return { level, stride: 32 * digitCount(parameters, level) };
}

/** Writes a limb to its place in the part of a key for its prime. @param at index of the part among the words */
export function interleave(
  words: Uint32Array,
  at: number,
  residues: Uint32Array,
  { digit, digits, half }: { readonly digit: number; readonly digits: number; readonly half: number },
): void {
  let to = at + 8 * digit + 4 * half;
  for (let i = 0; i < residues.length; i += 4, to += 8 * digits) {
    words[to] = residues[i]!;
    words[to + 1] = residues[i + 1]!;
    words[to + 2] = residues[i + 2]!;
    words[to + 3] = residues[i + 3]!;
  }
}
