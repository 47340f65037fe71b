import type { CameraView, ModelView } from '#protocol/api.ts';

/** A map whose form differs from that of the camera's picture by no more than this is of the whole picture: cells do not divide it exactly. */
const SAME_FORM = 1.15;
/** Where nothing is known of the form. */
const USUAL = 16 / 9;

/**
 * Width : height of the plan of a map: that of the camera's picture, or, where the map is of a part of it, that of its cells.
 *
 * @param size of the camera's pictures
 * @param map cells
 */
export function planRatio(size: NonNullable<CameraView['state']>['size'], map: ModelView['map']): number {
  const picture = size === undefined ? null : size.width / size.height;
  const cells = map === undefined ? null : map.width / map.height;
  if (picture === null || cells === null) return picture ?? cells ?? USUAL;
  return Math.max(picture / cells, cells / picture) <= SAME_FORM ? picture : cells;
}
