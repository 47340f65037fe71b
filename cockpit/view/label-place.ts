type Corner = readonly [x: number, y: number];

/**
 * Where the name of a polygon begins, so that it stands inside of it near the top and is not crossed by its upper edge: from the left side at the height of
 * its baseline.
 *
 * @param corners in units of the drawing, y downwards
 * @param letters height of the text, in the same units
 */
export function labelPlace(
  corners: readonly Corner[],
  letters: number,
): { readonly x: number; readonly y: number } {
  const heights = corners.map(([, y]) => y).sort((a, b) => a - b);
  const [top, second] = [heights[0]!, heights[1]!];
  const y = Math.min(second, (top + heights.at(-1)!) / 2) + 1.3 * letters;
  const crossings = corners.flatMap(([x1, y1], i) => {
    const [x2, y2] = corners[(i + 1) % corners.length]!;
    return y1 > y === y2 > y ? [] : [x1 + ((y - y1) / (y2 - y1)) * (x2 - x1)];
  });
  const left = crossings.length > 0 ? Math.min(...crossings) : Math.min(...corners.map(([x]) => x));
  return { x: left + letters / 2, y };
}
