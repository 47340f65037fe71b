import type { CameraView, ModelView, SiteState } from '#protocol/api.ts';
import type { Result } from '#protocol/messages.ts';
import { toldShares } from '#protocol/told-shares.ts';
import { networkOf } from './gateway-words.ts';
import { newestResult } from './newest-result.ts';

/**
 * The labels of a camera in a stable order, which gives each its color: first those of the network that answers, or that its gateway
 * is to run, then those that appear only in the history or the current answer.
 */
export function labelOrder(site: SiteState, camera: CameraView, known: readonly string[]): readonly string[] {
  const answered = newestResult(camera);
  const gateway = site.gateways.find(({ name }) => name === camera.gateway);
  const wanted = gateway === undefined ? null : networkOf(gateway, camera.state?.network).model;
  const model =
    (answered === null ? undefined : modelOf(site, answered)) ??
    site.models.find(({ name, version }) => name === wanted?.name && version === wanted.version);
  const results = [camera.result, ...camera.regions.map(({ result }) => result)];
  const present = results.flatMap((result) => (result === null ? [] : Object.keys(toldShares(result))));
  return [...new Set([...(model?.labels ?? []), ...known, ...present])];
}

/** The network of an answer; undefined where the site does not know it any more. */
export function modelOf({ models }: SiteState, { model, modelVersion }: Result): ModelView | undefined {
  return models.find(({ name, version }) => name === model && version === modelVersion);
}

/** Number of distinct label colors in styles/tokens.css. */
const COLORS = 8;

/**
 * The class that colors a label; from the ninth label on, colors repeat.
 *
 * @param counts whether labels are things that are counted: then none of them means "nothing there", whose color stays in the background
 */
export function seriesClass(order: readonly string[], label: string, counts = false): string {
  const index = Math.max(0, order.indexOf(label));
  return `series-${counts ? 1 + (index % (COLORS - 1)) : index % COLORS}`;
}
