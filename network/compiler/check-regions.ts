import { NetworkError } from '#network/errors.ts';

/** Maximum number of regions that one ciphertext may answer. */
const MOST_REGIONS = 64;

/** @throws NetworkError NETWORK_DATA for anything but a power of two up to {@link MOST_REGIONS}. */
export function checkRegions(regions: number): void {
  if (Number.isInteger(Math.log2(regions)) && regions >= 1 && regions <= MOST_REGIONS) return;
  throw new NetworkError(
    'NETWORK_DATA',
    `${regions} regions: expected a power of two up to ${MOST_REGIONS}; a gateway fills those that a camera does not have`,
  );
}
