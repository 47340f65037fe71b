/**
 * Of a key, what a liar may expect to tell who slips through audits as long as pays best: below the quarter at which the account of a key warns.
 */
const TOLD = 1 / 6;

/**
 * The share of a network's answers that has to be opened, at least: answers that tell more are audited more densely. Whoever lies k times passes with (1 − p)^k, so he
 * can expect max k (1 − p)^k = 1 / (e p) lies that nobody notices; times the bits of each, that stays below {@link TOLD} of the key.
 *
 * @param bits that one answer can tell at most
 * @param keyBits of the key that it could tell
 * @returns 0 to 1; ten labels in steps of 5 % need 0.019, a map of 660 cells and 16 points 0.072
 */
export function leastShare(bits: number, keyBits: number): number {
  return Math.min(1, bits / (Math.E * TOLD * keyBits));
}
