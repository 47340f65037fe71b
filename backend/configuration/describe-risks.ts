import type { PushedSettings } from '#config/schema.ts';
import type { Store } from '../store/store.ts';

/**
 * What is allowed, and yet perhaps not meant: more pictures than the network was seen to answer (those beyond are left out, which harms
 * nobody, so it is no error), cameras that the gateway has now and would have no more, and networks that were not deployed to it.
 *
 * @returns sentences
 */
export async function describeRisks(
  store: Store,
  gateway: string,
  { cameras }: PushedSettings,
): Promise<string[]> {
  const present = (await store.cameras.list()).filter((camera) => camera.gateway === gateway);
  const gone = present
    .map(({ camera }) => camera)
    .filter((camera) => !cameras.some(({ name }) => name === camera));
  const risks = gone.map(
    (camera) => `camera ${camera}, which ${gateway} has now, is not in these settings: it ends`,
  );

  const releases = await store.deployments.currentOf(gateway);
  for (const { name, network, enabled } of cameras) {
    if (!enabled || network === undefined || releases.some(({ model }) => model === network)) continue;
    risks.push(
      `camera ${name} waits for network ${network}: \`blindsight deploy ${network} ${gateway} --beside\``,
    );
  }

  // Networks differ: each camera with the time of its own answers.
  const times = new Map<string, number>();
  for (const { camera } of present) {
    const whole = await store.results.latest(camera);
    const answers = whole === null ? await store.results.latestRegions(camera) : [whole];
    if (answers.length > 0)
      times.set(camera, Math.max(...answers.map(({ latencyMs }) => latencyMs.evaluate)));
  }
  if (times.size === 0) return risks;
  const slowest = Math.max(...times.values());
  const inUse = cameras.filter(({ enabled }) => enabled);
  const rate = inUse.reduce((sum, camera) => sum + camera.rate, 0);
  const busy = inUse.reduce(
    (sum, { name, rate: own }) => sum + (own * (times.get(name) ?? slowest)) / 1000,
    0,
  );
  if (busy > 1)
    risks.push(
      `the cameras give up to ${rate} pictures a second, and the network on ${gateway} answers about ${(rate / busy).toPrecision(2)}: the rest is left out`,
    );
  return risks;
}
