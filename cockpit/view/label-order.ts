import type { CameraView, SiteState } from '#protocol/api.ts';
import { toldShares } from '#protocol/told-shares.ts';

/**
 * The labels of a camera in a stable order, which gives each its color: first those of the network its gateway runs,
 * then those that appear only in the history or the current answer.
 */
export function labelOrder(site: SiteState, camera: CameraView, known: readonly string[]): readonly string[] {
  const wanted = site.gateways.find((gateway) => gateway.name === camera.gateway)?.model ?? null;
  const model = site.models.find(({ name, version }) => name === wanted?.name && version === wanted.version);
  const results = [camera.result, ...camera.regions.map(({ result }) => result)];
  const present = results.flatMap((result) => (result === null ? [] : Object.keys(toldShares(result))));
  return [...new Set([...(model?.labels ?? []), ...known, ...present])];
}

/** Number of distinct label colors in styles/tokens.css. */
const COLORS = 8;

/** The class that colors a label; from the ninth label on, colors repeat. */
export function seriesClass(order: readonly string[], label: string): string {
  return `series-${Math.max(0, order.indexOf(label)) % COLORS}`;
}
