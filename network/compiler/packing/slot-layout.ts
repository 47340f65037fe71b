/**
 * Slots of a tensor's values, in one or several ciphertexts, and how partial sums are folded when a linear step makes it.
 *
 * A result is summed from the slots at + f, f any combination of the powers of two from `foldLow` to below `foldHigh`: rotating and adding
 * folds them. If the range reaches the top bit, all of them hold the sum (the ring is cyclic), else the others hold garbage.
 */
export type SlotLayout = {
  /** Human-readable, unique among the candidates of a tensor. */
  readonly name: string;
  readonly slots: number;
  readonly ciphertexts: number;
  /** ciphertext · slots + slot of every value; folded bits of the slot are zero. */
  readonly at: Int32Array;
  /** Values repeat after this many slots, a power of two; `slots` if there is one copy. */
  readonly period: number;
  readonly foldLow: number;
  readonly foldHigh: number;
  /** Further bits that are folded, as a mask: the gaps between pixels. The slots of a gap but the first hold garbage then. */
  readonly foldGaps?: number;
  /** Slots that hold no value are zero; otherwise they may hold anything. */
  readonly clean: boolean;
};

/** Smallest power of two that is at least `value`. */
export function powerOfTwo(value: number): number {
  let power = 1;
  while (power < value) power *= 2;
  return power;
}

/** All bits of the slot number that are folded. */
export function foldMask({ foldLow, foldHigh, foldGaps = 0 }: SlotLayout): number {
  return ((foldHigh - 1) & ~(foldLow - 1)) | foldGaps;
}

/** Steps of the fold that ends a linear step with this layout, high bits first. */
export function foldOf(layout: SlotLayout): number[] {
  const mask = foldMask(layout);
  const steps: number[] = [];
  for (let step = layout.slots / 2; step >= 1; step /= 2) if (mask & step) steps.push(step);
  return steps;
}

/** Copies of each value that weights, not a fold, must make. */
export function weightCopies(layout: SlotLayout): number {
  return layout.foldLow < layout.foldHigh ? 1 : layout.slots / layout.period;
}

/** Slots of all ciphertexts: the index of the value there, −1 for none. */
export function slotContents(layout: SlotLayout): Int32Array {
  const { slots, period, ciphertexts } = layout;
  const contents = new Int32Array(ciphertexts * slots).fill(-1);
  layout.at.forEach((at, value) => {
    const base = at - (at % slots);
    for (let copy = 0; copy < slots; copy += period) contents[base + (((at % slots) + copy) % slots)] = value;
  });
  return contents;
}

/** The layout of values at given positions, with period and fold derived from their extent. */
export function compactLayout(
  name: string,
  slots: number,
  positions: Int32Array,
  extent: number,
  fold: boolean,
): SlotLayout | null {
  const period = powerOfTwo(extent);
  if (period > slots) return null;
  const folds = fold && period < slots;
  if (fold && !folds) return null;
  return {
    name: folds ? `${name}, folded` : name,
    slots,
    ciphertexts: 1,
    at: positions,
    period,
    foldLow: period,
    foldHigh: folds ? slots : period,
    clean: true,
  };
}
