/** Of a coefficient of c₀ in the compact form of an answer; its header and its scale stand before. */
const BITS = 21;
const FIRST_BIT = 8 * (24 + 8);
/** Bits of a number that fit exactly. */
const NUMBER_BITS = 48;

/**
 * A copy of an encrypted answer that no other number gives: the lowest bits of its first coefficients say the number, which moves what it decrypts to by less than the rounding
 * of the form does. A gateway encrypts each picture anew, so no two of its answers are alike; here that costs no encryption.
 */
export function uniqueAnswer(answer: Uint8Array, number: number): Uint8Array {
  const copy = Uint8Array.from(answer);
  for (let i = 0; i < NUMBER_BITS; i++) {
    const at = FIRST_BIT + i * BITS;
    const mask = 1 << (at % 8);
    const byte = copy[at >> 3]! & ~mask;
    copy[at >> 3] = Math.floor(number / 2 ** i) % 2 === 1 ? byte | mask : byte;
  }
  return copy;
}
