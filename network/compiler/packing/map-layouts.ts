import { compactLayout, powerOfTwo, type SlotLayout } from './slot-layout.ts';

/** A canvas on which maps are drawn: the same for neighboring layers, so that one tap is one rotation. */
export type Canvas = {
  /** Slots from one row to the next. */
  readonly pitch: number;
  /** Slots from one block to the next. */
  readonly block: number;
};

/** How maps are drawn on a canvas. */
export type Drawing = {
  /** Every `phases`-th row and column form a separate picture, in a separate block (before a stride). */
  readonly phases: number;
  /** Neighboring pixels are `gap` apart (after a stride); channels fill the gaps. */
  readonly gap: number;
  /** Phases above the channels in the slot number, lowest bits on top: sums over them then repeat in all their positions. */
  readonly phasesOnTop?: boolean;
  /**
   * Of the slots of a gap, so many in a row and so many rows are summed: powers of two up to `gap`. Channels fill what is left. A 3 × 3 convolution of maps in gaps of
   * 4 moves its input by 15 × 15 distances, because a channel may stand before or behind another; summed 4 × 2, by 3 × 7, four times for as many
   * more blocks.
   */
  readonly summed?: { readonly columns: number; readonly rows: number };
  /** Blocks of a ciphertext, a power of two: fewer than fit, so that 48 maps are three times 16 instead of 64; as many as fit by default. */
  readonly blocks?: number;
};

/**
 * Blocks of a ciphertext that pad less than a power of two of them all: 96 maps in ciphertexts that hold 128 are 3 × 32, each in all slots.
 * Every ciphertext of the result then takes its share of the products, and none is multiplied by zeros.
 *
 * @param most blocks that fit a ciphertext, a power of two.
 * @returns powers of two, descending; none if the blocks fill ciphertexts.
 */
export function evenBlocks(blocks: number, most: number): number[] {
  const counts: number[] = [];
  let padded = blocks > most ? Math.ceil(blocks / most) * most : powerOfTwo(blocks);
  for (let count = most / 2; count >= 1 && padded > blocks; count /= 2) {
    const filled = Math.ceil(blocks / count) * count;
    if (filled >= padded) continue;
    padded = filled;
    counts.push(count);
  }
  return counts;
}

/**
 * channels × height × width on a canvas whose blocks are a power of two long, the lowest channels side by side and the others spread over the
 * ciphertext: the slots between them are folded, so that a sum over the channels of a repeated input takes fewer diagonals.
 *
 * @param together channels side by side, a power of two.
 * @returns null if they do not fit, or nothing would be folded.
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

/** channels × height × width on a canvas; null if it does not fit. */
export function gridLayout(
  shape: readonly number[],
  slots: number,
  { pitch, block }: Canvas,
  { phases, gap, phasesOnTop = false, summed = { columns: 1, rows: 1 }, blocks: each }: Drawing,
  fold: boolean,
): SlotLayout | null {
  const [channels, height, width] = shape as [number, number, number];
  const rows = Math.ceil(height / phases);
  const columns = Math.ceil(width / phases);
  const used = ((rows - 1) * gap + gap - 1) * pitch + (columns - 1) * gap + gap;
  if ((columns - 1) * gap + gap > pitch || used > block || block > slots) return null;
  const across = gap / summed.columns;
  const perBlock = across * (gap / summed.rows);
  const perPhase = Math.ceil(channels / perBlock);
  const padded = phasesOnTop ? powerOfTwo(perPhase) : perPhase;
  const blocks = padded * phases * phases;
  const perCiphertext = each ?? Math.min(blocks, Math.floor(slots / block));
  const ciphertexts = Math.ceil(blocks / perCiphertext);
  const at = new Int32Array(channels * height * width);
  let i = 0;
  for (let c = 0; c < channels; c++) {
    const inGap = c % perBlock;
    const corner = Math.floor(inGap / across) * summed.rows * pitch + (inGap % across) * summed.columns;
    const inPhase = Math.floor(c / perBlock);
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
  const name = `maps, pitch ${pitch}, block ${block}${phases > 1 ? `, ${phases}×${phases} phases${phasesOnTop ? ' on top' : ''}` : ''}${gap > 1 ? `, gap ${gap}` : ''}${summed.columns * summed.rows > 1 ? ` summed ${summed.columns}×${summed.rows}` : ''}`;
  const foldGaps = (summed.columns - 1) | ((summed.rows - 1) * pitch);
  const gaps = foldGaps === 0 ? {} : { foldGaps, clean: false };
  if (ciphertexts === 1) {
    const one = compactLayout(name, slots, at, blocks * block, fold);
    return one && { ...one, ...gaps };
  }
  if (each !== undefined) {
    const part = compactLayout(`${name}, ${each} blocks each`, slots, at, each * block, fold);
    return part && { ...part, ...gaps, ciphertexts };
  }
  if (fold) return null;
  return {
    name,
    slots,
    ciphertexts,
    at,
    period: slots,
    foldLow: slots,
    foldHigh: slots,
    clean: true,
    ...gaps,
  };
}
