import { NetworkError } from '#network/errors.ts';

/** Regions that one ciphertext may answer at most. */
export const MOST_REGIONS = 64;

/** @throws NetworkError NETWORK_DATA for anything but a power of two up to {@link MOST_REGIONS}. */
export function checkRegions(regions: number): void {
  if (Number.isInteger(Math.log2(regions)) && regions >= 1 && regions <= MOST_REGIONS) return;
  throw new NetworkError(
    'NETWORK_DATA',
    `${regions} regions: expected a power of two up to ${MOST_REGIONS}; a gateway fills those that a camera does not have`,
  );
}

/**
 * Lets several pictures share ciphertexts: slot i of region r stands at slot i · regions + r. Cyclic rotation of all slots by
 * k · regions is then the cyclic rotation by k of every region, so that a program for the slots of one region, with each step multiplied and
 * each constant repeated, answers all regions at the cost of one. No step moves a value from one region to another.
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
