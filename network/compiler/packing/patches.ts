import type { Affine } from '../linear/affine.ts';
import { type SlotLayout, weightCopies } from './slot-layout.ts';

/** Positions summed by the fold of a layout. */
function foldPlaces({ foldLow, foldHigh }: SlotLayout): number {
  return Math.max(1, foldHigh / foldLow);
}

/** Ciphertexts of patches for one ciphertext of a result: entries of a row divided by the positions that the fold sums. */
export function countPatches({ rows, start }: Affine, output: SlotLayout): number {
  let widest = 1;
  for (let row = 0; row < rows; row++) widest = Math.max(widest, start[row + 1]! - start[row]!);
  return Math.ceil(widest / foldPlaces(output));
}

/**
 * Calls back for every slot of the picture's patches: the picture is laid out before it is encrypted, so that its layer needs no rotation.
 * Entry t of a row is at the t-th position that the fold sums.
 *
 * @param visit `entry` of the map belongs to slot `slot` of patch `patch` for ciphertext `to` of the result.
 */
export function forEachPatch(
  affine: Affine,
  output: SlotLayout,
  visit: (to: number, patch: number, slot: number, entry: number) => void,
): void {
  const { slots } = output;
  const places = foldPlaces(output);
  const copies = weightCopies(output);
  for (let row = 0; row < affine.rows; row++) {
    const at = output.at[row]!;
    const to = Math.floor(at / slots);
    for (let e = affine.start[row]!, t = 0; e < affine.start[row + 1]!; e++, t++) {
      const first = (at % slots) + (t % places) * output.foldLow;
      for (let copy = 0; copy < copies; copy++)
        visit(to, Math.floor(t / places), first + copy * output.period, e);
    }
  }
}
