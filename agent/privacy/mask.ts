/** A polygon as fractions of the picture, origin top left. */
export type Polygon = readonly (readonly [number, number])[];

/** Which pixels are blackened, for one picture size: spans of one row each, as [first, last) pixel indices. */
export type Mask = {
  readonly width: number;
  readonly height: number;
  readonly spans: readonly (readonly [from: number, to: number])[];
};

type Edge = { readonly x0: number; readonly y0: number; readonly x1: number; readonly y1: number };

function edgesOf(polygon: Polygon, width: number, height: number): Edge[] {
  return polygon.map(([x, y], i) => {
    const [nextX, nextY] = polygon[(i + 1) % polygon.length]!;
    return { x0: x * width, y0: y * height, x1: nextX * width, y1: nextY * height };
  });
}

/** Where the edge is within the row [top, top + 1], or null where it does not touch it. */
function extentInRow(edge: Edge, top: number): [number, number] | null {
  const low = Math.max(Math.min(edge.y0, edge.y1), top);
  const high = Math.min(Math.max(edge.y0, edge.y1), top + 1);
  if (low > high) return null;
  if (edge.y0 === edge.y1) return [Math.min(edge.x0, edge.x1), Math.max(edge.x0, edge.x1)];
  const at = (y: number) => edge.x0 + ((y - edge.y0) * (edge.x1 - edge.x0)) / (edge.y1 - edge.y0);
  return [Math.min(at(low), at(high)), Math.max(at(low), at(high))];
}

/** Intervals of the horizontal line at `y` that lie inside by the nonzero rule: overlapping loops stay covered. */
function insideAt(edges: readonly Edge[], y: number): [number, number][] {
  const crossings: { x: number; turn: number }[] = [];
  for (const edge of edges) {
    if (edge.y0 <= y === edge.y1 <= y) continue;
    const x = edge.x0 + ((y - edge.y0) * (edge.x1 - edge.x0)) / (edge.y1 - edge.y0);
    crossings.push({ x, turn: edge.y0 < edge.y1 ? 1 : -1 });
  }
  crossings.sort((a, b) => a.x - b.x);
  const intervals: [number, number][] = [];
  let winding = 0;
  for (const [i, crossing] of crossings.entries()) {
    if (winding !== 0) intervals.push([crossings[i - 1]!.x, crossing.x]);
    winding += crossing.turn;
  }
  return intervals;
}

/**
 * Lays polygons over a picture of the given size. In doubt, privacy wins: every pixel that a polygon touches, including
 * its border, is covered, even by polygons thinner than a pixel.
 *
 * @param width in pixels
 * @param height in pixels
 */
export function compileMask(polygons: readonly Polygon[], width: number, height: number): Mask {
  const spans: [number, number][] = [];
  for (const polygon of polygons) {
    const edges = edgesOf(polygon, width, height);
    for (let row = 0; row < height; row++) {
      const covered = insideAt(edges, row + 0.5);
      for (const edge of edges) {
        const extent = extentInRow(edge, row);
        if (extent !== null) covered.push(extent);
      }
      for (const [left, right] of covered) {
        const from = Math.min(Math.max(Math.floor(left), 0), width - 1);
        const to = Math.min(Math.max(Math.ceil(right), from + 1), width);
        spans.push([row * width + from, row * width + to]);
      }
    }
  }
  return { width, height, spans: merged(spans) };
}

function merged(spans: [number, number][]): [number, number][] {
  spans.sort((a, b) => a[0] - b[0]);
  const result: [number, number][] = [];
  for (const [from, to] of spans) {
    const last = result.at(-1);
    if (last !== undefined && from <= last[1]) last[1] = Math.max(last[1], to);
    else result.push([from, to]);
  }
  return result;
}

/** Blackens the masked pixels of an RGB picture in place. */
export function applyMask(mask: Mask, rgb: Uint8Array): void {
  for (const [from, to] of mask.spans) rgb.fill(0, from * 3, to * 3);
}
