import type { MapAnswer } from '#protocol/messages.ts';
import type { Zone } from '#protocol/zone.ts';
import { isInside } from '#vision/is-inside.ts';
import type { RegionAnswer } from './round-answer.ts';

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
