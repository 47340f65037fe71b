import type { Address, Arena } from './arena.ts';

/** Offset from a range to its sums, and their size: see fhe/kernel/assembly/tiled-sums.ts. */
const SUMS_OFFSET = 64;
const SUMS_BYTES = 6144;

/**
 * The part of a limb on which one kernel task sums products, and room for the sums.
 *
 * @param from first byte within the limb, a multiple of 16.
 * @param to the byte after the last one.
 */
export function placeRange(arena: Arena, from: number, to: number): Address {
  const address = arena.allocate(SUMS_OFFSET + SUMS_BYTES);
  arena.words.set([from, to], address / 4);
  return address;
}
