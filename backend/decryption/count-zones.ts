import type { MapAnswer } from '#protocol/messages.ts';
import type { Zone } from '#protocol/zone.ts';
import type { RegionAnswer } from './round-answer.ts';

type Point = NonNullable<MapAnswer['points']>[number];

/**
 * An answer of a map with how many of its points are in each zone, by label; any other one, and one without points, as it is. It takes the points as
 * they leave the decrypting thread, so it tells nothing more than they do, and that thread knows no camera and no zone.
 */
export function countZones(answer: RegionAnswer, zones: readonly Zone[]): RegionAnswer | MapAnswer {
  if (answer.task !== 'map' || answer.points === undefined) return answer;
  const { points, counts } = answer;
  return {
    ...answer,
    zones: zones.map(({ name, corners }) => {
      const inside = points.filter((point) => isInside(point, corners));
      const count = (label: string) => inside.filter((point) => point.label === label).length;
      return { name, counts: Object.fromEntries(Object.keys(counts).map((label) => [label, count(label)])) };
    }),
  };
}

/** Whether a ray to the right crosses the edge an odd number of times. Of two zones that share an edge, a point on it is in one. */
function isInside({ x, y }: Point, corners: Zone['corners']): boolean {
  let inside = false;
  for (const [i, [x1, y1]] of corners.entries()) {
    const [x2, y2] = corners[(i + 1) % corners.length]!;
    if (y1 > y !== y2 > y && x < x1 + ((y - y1) / (y2 - y1)) * (x2 - x1)) inside = !inside;
  }
  return inside;
}
