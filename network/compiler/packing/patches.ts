import type { OperationCost } from '#fhe/design';
import type { Affine } from '../linear/affine.ts';
import { MILLISECONDS_PER_BYTE } from './schedule.ts';
import { type SlotLayout, weightCopies } from './slot-layout.ts';

/**
 * How the picture is laid out, before it is encrypted, for the linear step that reads it: entry t of a row lies in one of the patches, so that
 * the step needs no rotation (im2col; LoLa, Brutzkus et al. 2019, section 4), or few.
 */
export type PatchPlan = {
  /** Patches for one ciphertext of the result, or for all of them together where these are the same. */
  readonly patches: number;
  /** The same patches serve all ciphertexts of the result: rows at the same slot read the same values. */
  readonly shared: boolean;
  /**
   * Neighboring entries of a row in one patch, a power of two, each in its own block of `slots / blocks`. Above 1, products are summed by the distance between
   * the block of the entry and that of the result, and each sum is rotated once: `blocks` times fewer encryptions for `blocks − 1` rotations of each
   * result. A map network of 120 × 90 pictures and 16 first maps encrypts 32 patches instead of 128.
   */
  readonly blocks: number;
  readonly milliseconds: number;
  readonly constantBytes: number;
  /** Rotations of sums. */
  readonly steps: readonly number[];
};

/** Positions summed by the fold of a layout. */
function foldPlaces({ foldLow, foldHigh }: SlotLayout): number {
  return Math.max(1, foldHigh / foldLow);
}

/** Whether rows whose slots are equal modulo `modulus` read the same values in the same order. */
function readAlike({ rows, start, column }: Affine, { at }: SlotLayout, modulus: number): boolean {
  const first = new Int32Array(modulus).fill(-1);
  for (let row = 0; row < rows; row++) {
    const place = at[row]! % modulus;
    const other = first[place]!;
    if (other < 0) {
      first[place] = row;
      continue;
    }
    const from = start[row]!;
    const count = start[row + 1]! - from;
    const before = start[other]!;
    if (start[other + 1]! - before !== count) return false;
    for (let i = 0; i < count; i++) if (column[from + i] !== column[before + i]) return false;
  }
  return true;
}

/** Blocks worth trying; more than one only where nothing is folded or repeated, which would mix blocks. */
function blockCounts(output: SlotLayout, alone: boolean): number[] {
  const counts = [1];
  const plain = output.foldLow >= output.foldHigh && output.period === output.slots;
  if (alone && plain) for (let blocks = 2; blocks <= output.slots / 2; blocks *= 2) counts.push(blocks);
  return counts;
}

/** The price of the constants and keys that patches need, in milliseconds. */
export function patchBytesValue(
  plan: Pick<PatchPlan, 'constantBytes' | 'steps'> | null,
  level: number,
  cost: OperationCost,
): number {
  if (plan === null) return 0;
  return MILLISECONDS_PER_BYTE * (plan.constantBytes + plan.steps.length * cost.keyBytes(level));
}

/**
 * The cheapest way to lay out the picture.
 *
 * @param alone whether the step reads nothing but the picture
 */
export function planPatches(
  affine: Affine,
  output: SlotLayout,
  level: number,
  cost: OperationCost,
  alone: boolean,
): PatchPlan {
  const { rows, start } = affine;
  const { slots, ciphertexts } = output;
  let widest = 1;
  for (let row = 0; row < rows; row++) widest = Math.max(widest, start[row + 1]! - start[row]!);
  let best: PatchPlan | null = null;
  let least = Number.POSITIVE_INFINITY;
  for (const blocks of blockCounts(output, alone)) {
    const shared = ciphertexts > 1 || blocks > 1 ? readAlike(affine, output, slots / blocks) : true;
    // Where blocks of this size differ, so do smaller ones.
    if (blocks > 1 && !shared) break;
    const patches = Math.ceil(widest / (blocks > 1 ? blocks : foldPlaces(output)));
    const encryptions = patches * (shared ? 1 : ciphertexts);
    const products = ciphertexts * patches * blocks;
    const turns = ciphertexts * (blocks - 1);
    const milliseconds =
      encryptions * cost.encrypt(level) +
      products * cost.product(level, false) +
      turns * cost.addRotated(level, true);
    const constantBytes = products * cost.constantBytes(level, false);
    const steps = Array.from({ length: blocks - 1 }, (_, i) => ((i + 1) * slots) / blocks);
    const value = milliseconds + patchBytesValue({ constantBytes, steps }, level, cost);
    if (value >= least) continue;
    least = value;
    best = { patches, shared, blocks, milliseconds, constantBytes, steps };
  }
  return best!;
}

/**
 * Calls back for every slot of the picture's patches. Entry t of a row is at the t-th position that the fold sums, or in block t.
 *
 * @param visit `entry` of the map belongs to slot `slot` of patch `patch` for ciphertext `to` of the result, in the sum that is rotated to the left by `giant`.
 */
export function forEachPatch(
  affine: Affine,
  output: SlotLayout,
  { blocks }: PatchPlan,
  visit: (to: number, patch: number, slot: number, entry: number, giant: number) => void,
): void {
  const { slots } = output;
  const block = slots / blocks;
  const places = blocks > 1 ? blocks : foldPlaces(output);
  const copies = weightCopies(output);
  for (let row = 0; row < affine.rows; row++) {
    const at = output.at[row]!;
    const to = Math.floor(at / slots);
    const slot = at % slots;
    const own = slot - (slot % block);
    for (let e = affine.start[row]!, t = 0; e < affine.start[row + 1]!; e++, t++) {
      const patch = Math.floor(t / places);
      if (blocks > 1) {
        const there = (t % blocks) * block;
        visit(to, patch, there + (slot % block), e, (there - own + slots) % slots);
        continue;
      }
      const first = slot + (t % places) * output.foldLow;
      for (let copy = 0; copy < copies; copy++) visit(to, patch, first + copy * output.period, e, 0);
    }
  }
}
