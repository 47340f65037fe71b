/**
 * The record of one prime, written by fhe/engine/memory/tables.ts: 16 words.
 * Tables hold N words each; entry i belongs to node i of the splitting tree of X^N + 1 (SEAL's bit-reversed order).
 */

// @ts-ignore: decorator
@inline export function modulus(prime: usize): u32 { return load<u32>(prime); }
/** log2 N. */
// @ts-ignore: decorator
@inline export function logDegree(prime: usize): u32 { return load<u32>(prime, 4); }
// @ts-ignore: decorator
@inline export function roots(prime: usize): usize { return load<u32>(prime, 8); }
// @ts-ignore: decorator
@inline export function rootCompanions(prime: usize): usize { return load<u32>(prime, 12); }
// @ts-ignore: decorator
@inline export function inverseRoots(prime: usize): usize { return load<u32>(prime, 16); }
// @ts-ignore: decorator
@inline export function inverseRootCompanions(prime: usize): usize { return load<u32>(prime, 20); }
/** N^−1 and its companion. */
// @ts-ignore: decorator
@inline export function inverseDegree(prime: usize): u32 { return load<u32>(prime, 24); }
// @ts-ignore: decorator
@inline export function inverseDegreeCompanion(prime: usize): u32 { return load<u32>(prime, 28); }
/** N^−1 · (inverse root of node 1) and its companion: the last stage of the inverse transform. */
// @ts-ignore: decorator
@inline export function lastRoot(prime: usize): u32 { return load<u32>(prime, 32); }
// @ts-ignore: decorator
@inline export function lastRootCompanion(prime: usize): u32 { return load<u32>(prime, 36); }
/** q^−1 mod 2^32. */
// @ts-ignore: decorator
@inline export function montgomeryInverse(prime: usize): u32 { return load<u32>(prime, 40); }
/** 2^32 mod q and its companion: takes the factor 2^−32 of a Montgomery reduction away. */
// @ts-ignore: decorator
@inline export function montgomeryOne(prime: usize): u32 { return load<u32>(prime, 44); }
// @ts-ignore: decorator
@inline export function montgomeryOneCompanion(prime: usize): u32 { return load<u32>(prime, 48); }
/** floor(2^32 / q): Shoup companion of 1, reduces any 32-bit value to lazy. */
// @ts-ignore: decorator
@inline export function oneCompanion(prime: usize): u32 { return load<u32>(prime, 52); }
// @ts-ignore: decorator
@inline export function degree(prime: usize): u32 { return 1 << load<u32>(prime, 4); }
