import type { CameraConfig } from '#config/schema.ts';
import type { Rectangle } from '#vision/prepare-picture.ts';

/** Parts of one picture that share a ciphertext. */
export type RegionGroup = {
  /** Names of the regions in the order of their answers; absent if the camera answers about the entire picture. */
  readonly names?: readonly string[];
  /** One for each; undefined for the entire picture. */
  readonly rectangles: readonly (Rectangle | undefined)[];
};

/**
 * Splits what a camera answers about into as few ciphertexts as the network allows.
 *
 * @param perCiphertext regions that one run of the network answers about
 */
export function groupRegions(
  { region, regions }: Pick<CameraConfig, 'region' | 'regions'>,
  perCiphertext: number,
): RegionGroup[] {
  if (regions === undefined) return [{ rectangles: [region] }];
  return Array.from({ length: Math.ceil(regions.length / perCiphertext) }, (_, group) => {
    const own = regions.slice(group * perCiphertext, (group + 1) * perCiphertext);
    return { names: own.map(({ name }) => name), rectangles: own };
  });
}
