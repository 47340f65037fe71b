import { BlindsightError } from '#protocol/errors.ts';
import { MAX_NETWORKS } from '#protocol/names.ts';
import type { GatewayRecord } from '../store/gateways.ts';
import type { Store } from '../store/store.ts';

/** What a network is to be on a gateway: the default one, or one beside it for the cameras that name it. */
export type NetworkPlace = 'default' | 'beside';

/**
 * Whether a release of a model goes beside the default network of a gateway.
 *
 * @param place where left out: where the model is already, or else the default network
 */
export async function isBeside(
  store: Store,
  gateway: string,
  model: string,
  place?: NetworkPlace,
): Promise<boolean> {
  const current = await store.deployments.currentOf(gateway);
  const main = current.find(({ beside }) => !beside);
  if (place === 'default' || main?.model === model) return false;
  return place === 'beside' || current.some((one) => one.beside && one.model === model);
}

/**
 * That a gateway can have a network beside its default one.
 *
 * @throws BlindsightError GATEWAY_TOO_OLD, GATEWAY_NETWORKS.
 */
export async function checkBeside(store: Store, gateway: GatewayRecord, model: string): Promise<void> {
  if (gateway.several === false)
    throw new BlindsightError('GATEWAY_TOO_OLD', `the software of ${gateway.name} runs one network only`);
  const others = (await besideOf(store, gateway.name)).filter((one) => one !== model);
  if (others.length >= MAX_NETWORKS)
    throw new BlindsightError(
      'GATEWAY_NETWORKS',
      `${gateway.name} has ${others.length} networks beside its default one (${others.join(', ')}), and may have ${MAX_NETWORKS}`,
    );
}

async function besideOf(store: Store, gateway: string): Promise<string[]> {
  const models = await store.models.list();
  const releases = (await store.deployments.currentOf(gateway)).filter(({ beside }) => beside);
  const inService = releases.filter(({ model, version }) =>
    models.some((one) => one.name === model && one.version === version && one.retirement === null),
  );
  return inService.map(({ model }) => model);
}
