/** The lowest `bits` bits of `value` in reverse order. */
export function bitReverse(value: number, bits: number): number {
  let result = 0;
  for (let i = 0; i < bits; i++) result = (result << 1) | ((value >>> i) & 1);
  return result >>> 0;
}
