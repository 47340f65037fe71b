/**
 * Which value of a tensor stands where, in one or several ciphertexts, and how partial sums are folded when a linear step makes it.
 *
 * A result is summed from the slots at + f, f any combination of the powers of two from `foldLow` to below `foldHigh`: rotating and adding
 * folds them. Where the run reaches the top bit the sum stands at all of them (the ring is cyclic), else the others hold garbage.
 */
export type SlotLayout = {
  /** Human-readable, unique among the candidates of a tensor. */
  readonly name: string;
  readonly slots: number;
  readonly ciphertexts: number;
  /** ciphertext · slots + slot of every value; bits from `foldLow` to below `foldHigh` of the slot are zero. */
  readonly at: Int32Array;
  /** Values repeat after this many slots, a power of two; `slots` where there is one copy. */
  readonly period: number;
  readonly foldLow: number;
  readonly foldHigh: number;
  /** Slots that hold no value are zero; otherwise anything may stand there. */
  readonly clean: boolean;
};

/** Smallest power of two that is at least `value`. */
export function powerOfTwo(value: number): number {
  let power = 1;
  while (power < value) power *= 2;
  return power;
}

/** Steps of the fold that ends a linear step with this layout, high bits first. */
export function foldOf({ foldLow, foldHigh }: SlotLayout): number[] {
  const steps: number[] = [];
  for (let step = foldHigh / 2; step >= foldLow; step /= 2) steps.push(step);
  return steps;
}

/** Copies of each value that weights, not a fold, must make. */
export function weightCopies(layout: SlotLayout): number {
  return layout.foldLow < layout.foldHigh ? 1 : layout.slots / layout.period;
}

/** Slots of all ciphertexts: the index of the value that stands there, −1 where nothing does. */
export function slotContents(layout: SlotLayout): Int32Array {
  const { slots, period, ciphertexts } = layout;
  const contents = new Int32Array(ciphertexts * slots).fill(-1);
  layout.at.forEach((at, value) => {
    const base = at - (at % slots);
    for (let copy = 0; copy < slots; copy += period) contents[base + (((at % slots) + copy) % slots)] = value;
  });
  return contents;
}

/** The layout of values at given positions with period and fold that follow from their extent. */
function compact(
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

/**
 * Vectors: the low `lowBits` bits of the index at the bottom of the slot number, the rest at its top, summing over the bits in between.
 * All bits low: periodic and folded over the copies; none low: strided (see {@link stridedLayout}).
 */
export function splitLayout(size: number, slots: number, lowBits: number): SlotLayout | null {
  const bits = Math.log2(powerOfTwo(size));
  const high = bits - lowBits;
  const span = slots / 2 ** high;
  if (2 ** bits > slots || lowBits > bits || lowBits < 0) return null;
  const low = 2 ** lowBits;
  const at = Int32Array.from({ length: size }, (_, i) => (i % low) + Math.floor(i / low) * span);
  if (high === 0) {
    return compact('vector', slots, at, size, true) ?? compact('vector', slots, at, size, false);
  }
  if (lowBits === 0) return stridedLayout(size, slots, span);
  return {
    name: `${low} in every ${span} slots`,
    slots,
    ciphertexts: 1,
    at,
    period: slots,
    foldLow: low,
    foldHigh: span,
    clean: low === span,
  };
}

/** One value every `stride` slots, summing over those between; null where they do not fit. A smaller stride takes fewer folds, and more diagonals. */
export function stridedLayout(size: number, slots: number, stride: number): SlotLayout | null {
  if (powerOfTwo(size) * stride > slots) return null;
  return {
    name: `every ${stride}th slot`,
    slots,
    ciphertexts: 1,
    at: Int32Array.from({ length: size }, (_, i) => i * stride),
    period: slots,
    foldLow: 1,
    foldHigh: stride,
    clean: stride === 1,
  };
}

/**
 * Values in reverse order, repeated every `period` slots and folded over the copies; what is left of a period is zero. A longer period takes
 * fewer folds: a strided input has zero weights, not values, beside its own. Reversed, output o is reached by rotating to the left by o:
 * small steps, for many of which another layer has a key.
 *
 * @param period a power of two, more than the values take.
 * @returns null where the values take a whole period, or the period all slots.
 */
export function reversedLayout(size: number, slots: number, period: number): SlotLayout | null {
  if (powerOfTwo(size) >= period || period >= slots) return null;
  return {
    name: `reversed, every ${period} slots`,
    slots,
    ciphertexts: 1,
    at: Int32Array.from({ length: size }, (_, i) => (period - i) % period),
    period,
    foldLow: period,
    foldHigh: slots,
    clean: true,
  };
}

/**
 * Values in their own order, in as many ciphertexts as they need.
 *
 * @param extent slots that one copy takes where one ciphertext suffices: more than `size` where empty ones must follow.
 */
export function sequentialLayout(
  size: number,
  slots: number,
  fold: boolean,
  extent = size,
): SlotLayout | null {
  const at = Int32Array.from({ length: size }, (_, i) => i);
  if (extent <= slots) return compact('vector', slots, at, extent, fold);
  if (fold) return null;
  return {
    name: 'vector',
    slots,
    ciphertexts: Math.ceil(size / slots),
    at,
    period: slots,
    foldLow: slots,
    foldHigh: slots,
    clean: true,
  };
}

/** A canvas on which maps are drawn: the same for neighboring layers, so that one tap is one rotation. */
export type Canvas = {
  /** Slots from one row to the next. */
  readonly pitch: number;
  /** Slots from one block to the next. */
  readonly block: number;
};

/** How maps are drawn on a canvas. */
export type Drawing = {
  /** Every `phases`-th row and column form a picture of their own, in a block of its own (before a stride). */
  readonly phases: number;
  /** Neighboring pixels stand `gap` apart (after a stride); channels fill the gaps. */
  readonly gap: number;
  /** Phases above the channels in the slot number, lowest bits on top: sums over them then repeat in all of their places. */
  readonly phasesOnTop?: boolean;
};

/**
 * channels × height × width on a canvas whose blocks are a power of two long, the lowest channels side by side and the others spread over the
 * ciphertext: what stands between them is folded, so that a sum over the channels of a repeated input takes fewer diagonals.
 *
 * @param together channels that stand side by side, a power of two.
 * @returns null where they do not fit, or nothing would be folded.
 */
export function spreadGridLayout(
  shape: readonly number[],
  slots: number,
  { pitch, block }: Canvas,
  gap: number,
  together: number,
): SlotLayout | null {
  const whole = gridLayout(shape, slots, { pitch, block }, { phases: 1, gap }, false);
  if (whole === null || whole.ciphertexts > 1 || block !== powerOfTwo(block)) return null;
  const blocks = Math.ceil(shape[0]! / (gap * gap));
  const span = slots / powerOfTwo(Math.ceil(blocks / together));
  const foldLow = together * block;
  if (foldLow >= span) return null;
  return {
    ...whole,
    name: `${whole.name}, ${together} in every ${span} slots`,
    at: whole.at.map((at) => (at % foldLow) + Math.floor(at / foldLow) * span),
    period: slots,
    foldLow,
    foldHigh: span,
    clean: false,
  };
}

/** The number of a pixel's phase with the lowest bits of its row and column as the highest. */
function phaseFromTop(y: number, x: number, phases: number): number {
  let phase = 0;
  for (let bit = 1; bit < phases; bit *= 2) phase = 4 * phase + (y & bit ? 2 : 0) + (x & bit ? 1 : 0);
  return phase;
}

/** channels × height × width on a canvas; null where it does not fit. */
export function gridLayout(
  shape: readonly number[],
  slots: number,
  { pitch, block }: Canvas,
  { phases, gap, phasesOnTop = false }: Drawing,
  fold: boolean,
): SlotLayout | null {
  const [channels, height, width] = shape as [number, number, number];
  const rows = Math.ceil(height / phases);
  const columns = Math.ceil(width / phases);
  const used = ((rows - 1) * gap + gap - 1) * pitch + (columns - 1) * gap + gap;
  if ((columns - 1) * gap + gap > pitch || used > block || block > slots) return null;
  const perPhase = Math.ceil(channels / (gap * gap));
  const padded = phasesOnTop ? powerOfTwo(perPhase) : perPhase;
  const blocks = padded * phases * phases;
  const perCiphertext = Math.min(blocks, Math.floor(slots / block));
  const ciphertexts = Math.ceil(blocks / perCiphertext);
  const at = new Int32Array(channels * height * width);
  let i = 0;
  for (let c = 0; c < channels; c++) {
    const inGap = c % (gap * gap);
    const corner = Math.floor(inGap / gap) * pitch + (inGap % gap);
    const inPhase = Math.floor(c / (gap * gap));
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const b = phasesOnTop
          ? phaseFromTop(y, x, phases) * padded + inPhase
          : inPhase * phases * phases + (y % phases) * phases + (x % phases);
        const pixel = Math.floor(y / phases) * gap * pitch + Math.floor(x / phases) * gap;
        at[i++] = Math.floor(b / perCiphertext) * slots + (b % perCiphertext) * block + corner + pixel;
      }
    }
  }
  const name = `maps, pitch ${pitch}, block ${block}${phases > 1 ? `, ${phases}×${phases} phases${phasesOnTop ? ' on top' : ''}` : ''}${gap > 1 ? `, gap ${gap}` : ''}`;
  if (ciphertexts === 1) return compact(name, slots, at, blocks * block, fold);
  if (fold) return null;
  return { name, slots, ciphertexts, at, period: slots, foldLow: slots, foldHigh: slots, clean: true };
}
