import { NetworkError } from '#network/errors.ts';
import type { Affine } from '../linear/affine.ts';
import { foldMask, type SlotLayout, weightCopies } from './slot-layout.ts';

/** A diagonal of a matrix over slots: rot(ciphertext `from`, step) · weights is added to ciphertext `to`. */
export type Diagonal = { readonly from: number; readonly to: number; readonly step: number };

/**
 * Calls back for every product that computes `affine` from one layout to another: result slot `slot` of ciphertext `to` gets weight · slot
 * (slot + step) of ciphertext `from`. The sum of a slot is complete after the fold of `output`.
 */
export function forEachProduct(
  affine: Affine,
  input: SlotLayout,
  output: SlotLayout,
  visit: (from: number, to: number, step: number, slot: number, entry: number) => void,
  rows?: Int32Array,
  copies = weightCopies(output),
): void {
  const { slots } = input;
  // Slots are a power of two, and all ciphertexts together below 2^31.
  const within = slots - 1;
  const shift = Math.log2(slots);
  const mask = foldMask(output);
  const wrap = input.period - 1;
  const count = rows?.length ?? affine.rows;
  for (let r = 0; r < count; r++) {
    const row = rows === undefined ? r : rows[r]!;
    const at = output.at[row]!;
    const base = at & within;
    const to = at >> shift;
    for (let e = affine.start[row]!; e < affine.start[row + 1]!; e++) {
      const source = input.at[affine.column[e]!]!;
      const position = source & within;
      const from = source >> shift;
      for (let copy = 0; copy < copies; copy++) {
        const slot = base + copy * output.period;
        const ahead = (position - slot) & wrap;
        const folded = ahead & mask;
        visit(from, to, ahead - folded, slot + folded, e);
      }
    }
  }
}

/** Numbers up to which clearing an array is faster than a set. */
const MOST_MARKS = 2 ** 20;

/** Remembers numbers below `most`. @param few whether only few of them come. @returns whether a number is new. */
function firstTime(most: number, few: boolean): (key: number) => boolean {
  if (few && most > MOST_MARKS) {
    const seen = new Set<number>();
    return (key) => seen.size !== seen.add(key).size;
  }
  const seen = new Uint8Array(most);
  return (key) => {
    if (seen[key] === 1) return false;
    seen[key] = 1;
    return true;
  };
}

/** What estimates look at. */
export type Estimate = {
  /** These rows only: fewer diagonals are found than there are. */
  readonly rows: Int32Array;
  /** As soon as there are more diagonals, nobody needs to know how many. */
  readonly most: number;
};

/**
 * The non-empty diagonals, ordered by `to`, `from`, `step`. They follow from the pattern of the matrix, never from its weights. Of an estimate that finds more
 * than it wants, any of them.
 */
export function findDiagonals(
  affine: Affine,
  input: SlotLayout,
  output: SlotLayout,
  estimate?: Estimate,
): Diagonal[] {
  const { slots } = input;
  const isNew = firstTime(output.ciphertexts * input.ciphertexts * slots, estimate !== undefined);
  const keys: number[] = [];
  const visit = (from: number, to: number, step: number): void => {
    const key = (to * input.ciphertexts + from) * slots + step;
    if (isNew(key)) keys.push(key);
  };
  // Copies at a distance of one input period see the same values at the same distances.
  const copies = Math.min(weightCopies(output), Math.max(1, input.period / output.period));
  if (estimate === undefined) forEachProduct(affine, input, output, visit, undefined, copies);
  else {
    const { rows, most } = estimate;
    for (let r = 0; r < rows.length && keys.length <= most; r++)
      forEachProduct(affine, input, output, visit, rows.subarray(r, r + 1), copies);
  }
  return Array.from(Float64Array.from(keys).sort(), (key) => {
    const pair = Math.floor(key / slots);
    return { from: pair % input.ciphertexts, to: Math.floor(pair / input.ciphertexts), step: key % slots };
  });
}

/** Maximum number of slot values of one linear step. */
const MOST_SLOT_VALUES = 2 ** 29;

/** The weights of each of the diagonals, in slots of the result. */
export function fillDiagonals(
  affine: Affine,
  input: SlotLayout,
  output: SlotLayout,
  diagonals: readonly Diagonal[],
): Float64Array[] {
  const { slots } = input;
  if (diagonals.length * slots > MOST_SLOT_VALUES) {
    throw new NetworkError(
      'NETWORK_TOO_LARGE',
      `a linear layer needs ${diagonals.length} encrypted diagonals of ${slots} slots; use fewer maps or units`,
    );
  }
  const index = new Int32Array(output.ciphertexts * input.ciphertexts * slots);
  const key = (from: number, to: number, step: number): number =>
    (to * input.ciphertexts + from) * slots + step;
  diagonals.forEach(({ from, to, step }, i) => {
    index[key(from, to, step)] = i;
  });
  const weights = diagonals.map(() => new Float64Array(slots));
  forEachProduct(affine, input, output, (from, to, step, slot, entry) => {
    weights[index[key(from, to, step)]!]![slot]! += affine.weight[entry]!;
  });
  return weights;
}
