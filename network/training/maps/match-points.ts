import type { MapPoint } from '#vision/decode-map.ts';
import type { Place } from './place.ts';

/** What came of comparing the points of an answer with what is there. */
export type Matched = {
  /** Pairs of point and place. */
  readonly hits: number;
  readonly found: number;
  readonly there: number;
};

/**
 * Pairs points with places of their class. A point belongs to a place if it is within half a box of its middle: in the ellipse inside of the box.
 * Nearest pairs first, each point and each place once.
 */
export function matchPoints(
  points: readonly Pick<MapPoint, 'class' | 'x' | 'y'>[],
  places: readonly Place[],
): Matched {
  const pairs = points.flatMap((point, p) =>
    places.flatMap((place, q) => {
      const away = Math.hypot((point.x - place.x) / place.width, (point.y - place.y) / place.height);
      return point.class === place.class && away <= 0.5 ? [{ p, q, away }] : [];
    }),
  );
  pairs.sort((a, b) => a.away - b.away);
  const usedPoints = new Set<number>();
  const usedPlaces = new Set<number>();
  for (const { p, q } of pairs) {
    if (usedPoints.has(p) || usedPlaces.has(q)) continue;
    usedPoints.add(p);
    usedPlaces.add(q);
  }
  return { hits: usedPoints.size, found: points.length, there: places.length };
}
