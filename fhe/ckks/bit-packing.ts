/**
 * Numbers of a fixed bit length without gaps, little-endian: number i occupies the bits i·bits … (i+1)·bits − 1, where bit j of a
 * buffer is bit j mod 8 of byte ⌊j / 8⌋.
 */

/** Bits that hold every residue modulo q. */
export function residueBits(q: number): number {
  return 32 - Math.clz32(q - 1);
}

/** Bytes of a limb; whole, because ring degrees are multiples of 8. */
export function packedBytes(count: number, bits: number): number {
  return (count * bits) / 8;
}

/**
 * Packs numbers below 2^bits into words. `count · bits` is a multiple of 32.
 *
 * @param bits 1 to 31.
 */
export function packBits(values: Uint32Array, bits: number, words: Uint32Array): void {
  let word = 0;
  let fill = 0;
  let at = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    word |= value << fill;
    fill += bits;
    if (fill >= 32) {
      words[at++] = word;
      fill -= 32;
      // A shift by 32 would be a shift by 0: nothing of the value is left if it ended with the word.
      word = fill === 0 ? 0 : value >>> (bits - fill);
    }
  }
}

/**
 * The inverse of {@link packBits}.
 *
 * @returns the largest number, to check against a bound.
 */
export function unpackBits(words: Uint32Array, bits: number, values: Uint32Array): number {
  const mask = 2 ** bits - 1;
  let largest = 0;
  let fill = 0;
  let at = 0;
  for (let i = 0; i < values.length; i++) {
    let value = words[at]! >>> fill;
    const taken = 32 - fill;
    fill += bits;
    if (fill >= 32) {
      at++;
      fill -= 32;
      if (fill > 0) value |= words[at]! << taken;
    }
    value &= mask;
    values[i] = value;
    if (value > largest) largest = value;
  }
  return largest;
}
