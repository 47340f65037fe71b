import type { MapResult } from '#protocol/messages.ts';

export type Point = NonNullable<MapResult['points']>[number];

/** A point with a number that it keeps as long as it seems to be the same thing. */
export type FollowedPoint = Point & { readonly id: number };

/** Points farther apart than this, in fractions of the picture, are not the same thing in two answers. */
const SAME_WITHIN = 0.15;

/**
 * Gives each point of the next answer the number of the nearest one of its label in the answer before, nearest pairs first, so that dots move rather than
 * jump; others get new numbers. Only for the eye: nothing is counted by it.
 */
export function followPoints(
  before: readonly FollowedPoint[],
  points: readonly Point[],
): readonly FollowedPoint[] {
  const pairs = points
    .flatMap((point, to) =>
      before
        .filter(({ label }) => label === point.label)
        .map((from) => ({ to, from, distance: Math.hypot(from.x - point.x, from.y - point.y) })),
    )
    .filter(({ distance }) => distance <= SAME_WITHIN)
    .sort((a, b) => a.distance - b.distance);
  const ids = new Map<number, number>();
  const taken = new Set<number>();
  for (const { to, from } of pairs) {
    if (ids.has(to) || taken.has(from.id)) continue;
    ids.set(to, from.id);
    taken.add(from.id);
  }
  let next = 1 + Math.max(0, ...before.map(({ id }) => id));
  return points.map((point, to) => ({ ...point, id: ids.get(to) ?? next++ }));
}
