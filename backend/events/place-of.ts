import type { SituationKey } from '../store/situations.ts';

/** Which subject of its camera it is. */
export function placeOf({ region, zone, label }: Omit<SituationKey, 'camera'>): string {
  return `${region}/${zone}/${label}`;
}
