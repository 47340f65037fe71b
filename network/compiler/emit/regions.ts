/**
 * Lets several pictures share ciphertexts: slot i of region r stands at slot i · regions + r. Cyclic rotation of all slots by
 * k · regions is then the cyclic rotation by k of every region, so that a program for the slots of one region, with each step multiplied and
 * each constant repeated, answers all regions at the cost of one. No step moves a value between regions.
 */
export function interleave(
  slots: Int32Array,
  regions: number,
  read: (value: number, region: number) => number,
): Int32Array {
  return Int32Array.from({ length: slots.length * regions }, (_, slot) =>
    read(slots[Math.floor(slot / regions)]!, slot % regions),
  );
}

/** The same weights for every region; see {@link interleave}. */
export function repeatSlots(values: Float64Array, regions: number): Float64Array {
  if (regions === 1) return values;
  return Float64Array.from(
    { length: values.length * regions },
    (_, slot) => values[Math.floor(slot / regions)]!,
  );
}
