/**
 * Whether a point is in a polygon: a ray to the right crosses its edge an odd number of times. Of two polygons that share an edge, a point
 * on it is in one.
 *
 * @param corners x and y, in order along the edge
 */
export function isInside(
  { x, y }: { readonly x: number; readonly y: number },
  corners: readonly (readonly [number, number])[],
): boolean {
  let inside = false;
  for (const [i, [x1, y1]] of corners.entries()) {
    const [x2, y2] = corners[(i + 1) % corners.length]!;
    if (y1 > y !== y2 > y && x < x1 + ((y - y1) / (y2 - y1)) * (x2 - x1)) inside = !inside;
  }
  return inside;
}
