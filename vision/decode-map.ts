/** How a map of values becomes points. Its cells are equal parts of the picture, rows from the top. */
export type MapDecoding = {
  /** Cells. */
  readonly height: number;
  /** Cells. */
  readonly width: number;
  /** Maps, one after the other: value (class, row, column) is at (class × height + row) × width + column. */
  readonly classes: number;
  /** Least value of a point, after smoothing. */
  readonly threshold: number;
  /** Radius in cells of the tent that each map is smoothed with; 0 for none. */
  readonly smoothing: number;
  /** Least distance of two points of one class, in cells. */
  readonly distance: number;
  /** Most points of an answer, all classes together: 1 to 64. The strongest stay. */
  readonly most: number;
};

/** Where a map says that something is. */
export type MapPoint = {
  readonly class: number;
  readonly row: number;
  readonly column: number;
  /** Fractions of the picture, finer than a cell: for those who measure. What leaves a decryptor is the middle of the cell. */
  readonly x: number;
  readonly y: number;
};

type Peak = MapPoint & { readonly value: number };

/**
 * Finds the points of an answer: smooths each map, and takes its local maxima from the threshold on, stronger ones first, each at some distance
 * from those of its class. The points come by class, row and column, so that their order tells nothing of how strong they were.
 *
 * @param values classes × height × width of them
 * @throws RangeError for another number of values
 */
export function decodeMap(values: ArrayLike<number>, decoding: MapDecoding): { readonly points: MapPoint[] } {
  const { height, width, classes, smoothing, distance, most } = decoding;
  const cells = height * width;
  if (values.length !== classes * cells)
    throw new RangeError(`${values.length} values: expected ${classes} × ${height} × ${width}`);
  const chosen: Peak[] = [];
  for (let index = 0; index < classes; index++) {
    const raw = new Float64Array(cells);
    for (let i = 0; i < cells; i++) raw[i] = values[index * cells + i]!;
    const map = smooth(smooth(raw, height, width, smoothing), width, height, smoothing);
    const own: Peak[] = [];
    for (const peak of peaksOf(map, index, decoding).sort((a, b) => b.value - a.value)) {
      const apart = (other: Peak) => Math.hypot(other.row - peak.row, other.column - peak.column) >= distance;
      if (own.every(apart)) own.push(peak);
    }
    chosen.push(...own);
  }
  const points = chosen
    .sort((a, b) => b.value - a.value)
    .slice(0, most)
    .sort((a, b) => a.class - b.class || a.row - b.row || a.column - b.column);
  return { points: points.map(({ value: _value, ...point }) => point) };
}

/** Smooths along the rows and transposes, so that doing it twice smooths both ways. What lies outside of the map counts for nothing. */
function smooth(map: Float64Array, height: number, width: number, radius: number): Float64Array {
  if (radius === 0) return map;
  const result = new Float64Array(map.length);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      let sum = 0;
      let weights = 0;
      for (let at = Math.max(0, column - radius); at <= Math.min(width - 1, column + radius); at++) {
        const weight = radius + 1 - Math.abs(at - column);
        sum += weight * map[row * width + at]!;
        weights += weight;
      }
      result[column * height + row] = sum / weights;
    }
  }
  return result;
}

/** The cells from the threshold on that no neighbor exceeds; of equal neighbors the first. */
function peaksOf(map: Float64Array, index: number, { height, width, threshold }: MapDecoding): Peak[] {
  const at = (row: number, column: number): number | undefined =>
    row < 0 || row >= height || column < 0 || column >= width ? undefined : map[row * width + column];
  const peaks: Peak[] = [];
  map.forEach((value, i) => {
    if (!(value >= threshold)) return;
    const row = Math.floor(i / width);
    const column = i % width;
    for (let down = -1; down <= 1; down++) {
      for (let right = -1; right <= 1; right++) {
        const other = at(row + down, column + right) ?? Number.NEGATIVE_INFINITY;
        const before = down < 0 || (down === 0 && right < 0);
        if (other > value || (before && other === value)) return;
      }
    }
    peaks.push({
      class: index,
      row,
      column,
      x: (column + 0.5 + summit(at(row, column - 1), value, at(row, column + 1))) / width,
      y: (row + 0.5 + summit(at(row - 1, column), value, at(row + 1, column))) / height,
      value,
    });
  });
  return peaks;
}

/** Where the parabola through three neighboring values is highest, in cells from the middle one, which none exceeds; 0 at the border. */
function summit(before: number | undefined, value: number, after: number | undefined): number {
  if (before === undefined || after === undefined) return 0;
  const bend = before - 2 * value + after;
  // Never beyond the cell; where neighbors are nearly as high, rounding is.
  return bend === 0 ? 0 : Math.max(-0.5, Math.min(0.5, (before - after) / (2 * bend)));
}
