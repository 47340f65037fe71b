import { compactLayout, powerOfTwo, type SlotLayout } from './slot-layout.ts';

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
    return compactLayout('vector', slots, at, size, true) ?? compactLayout('vector', slots, at, size, false);
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

/**
 * One value every `stride` slots, summing over those between; null if they do not fit. A smaller stride takes fewer folds, and more diagonals.
 */
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
 * fewer folds: a strided input has zero weights, not zero values, beside its own. Reversed, output o is reached by rotating to the left by o:
 * small steps, for many of which another layer already has a key.
 *
 * @param period a power of two, more than the values take.
 * @returns null if the values fill a period, or the period all slots.
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
 * @param extent slots of one copy if one ciphertext suffices: more than `size` if empty ones must follow.
 */
export function sequentialLayout(
  size: number,
  slots: number,
  fold: boolean,
  extent = size,
): SlotLayout | null {
  const at = Int32Array.from({ length: size }, (_, i) => i);
  if (extent <= slots) return compactLayout('vector', slots, at, extent, fold);
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
