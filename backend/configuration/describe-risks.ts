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

  const times: number[] = [];
  for (const { camera } of present) {
    const whole = await store.results.latest(camera);
    const answers = whole === null ? await store.results.latestRegions(camera) : [whole];
    times.push(...answers.map(({ latencyMs }) => latencyMs.evaluate));
  }
  if (times.length === 0) return risks;
  const evaluateMs = Math.max(...times);
  const rate = cameras.reduce((sum, camera) => sum + (camera.enabled ? camera.rate : 0), 0);
  const able = 1000 / evaluateMs;
  if (rate > able)
    risks.push(
      `the cameras give up to ${rate} pictures a second, and the network on ${gateway} answers about ${able.toPrecision(2)}: the rest is left out`,
    );
  return risks;
}
