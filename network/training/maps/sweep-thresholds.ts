import { decodeMap, type MapDecoding } from '#vision/decode-map.ts';
import type { Place } from './place.ts';
import { type PointScore, scorePoints } from './score-points.ts';

/** What a threshold of the decoding gives. */
export type ThresholdScore = PointScore & { readonly threshold: number };

const STEPS = 40;

/**
 * Scores answers at many thresholds, from the lowest peak that could be a point to the highest: a precision–recall curve.
 *
 * @param outputs classes × height × width values for each picture
 * @param places what is there, a list for each picture
 * @returns by rising threshold
 */
export function sweepThresholds(
  outputs: readonly ArrayLike<number>[],
  places: readonly (readonly Place[])[],
  decoding: MapDecoding,
): ThresholdScore[] {
  const highest = outputs.reduce(
    (most, values) => Array.from(values).reduce((a, b) => Math.max(a, b), most),
    0,
  );
  return Array.from({ length: STEPS }, (_, step) => {
    const threshold = (highest * (step + 1)) / (STEPS + 1);
    const pictures = outputs.map((values, n) => ({
      points: decodeMap(values, { ...decoding, threshold }).points,
      places: places[n]!,
    }));
    return { threshold, ...scorePoints(pictures, decoding.classes) };
  });
}
