import type { SiteState } from '#protocol/api.ts';
import type { Route } from './route.ts';

/** So many cameras are shown with all that is known of them; more are tiles. */
export const MOST_CARDS = 3;

/** The cameras whose time lines a view shows, by name. */
export function shownCameras({ cameras }: Pick<SiteState, 'cameras'>, route: Route): readonly string[] {
  if (route.view === 'camera') return [route.camera];
  if (route.view !== 'cameras' || cameras.length > MOST_CARDS) return [];
  return cameras.map(({ camera }) => camera).sort();
}
