import { isMap, isSeq, parseDocument, type YAMLMap } from 'yaml';
import { decodeConfiguration } from '#protocol/configuration.ts';
import { BlindsightError } from '#protocol/errors.ts';
import type { Clock } from '#runtime/clock.ts';
import type { Site } from '../site.ts';
import type { Store } from '../store/store.ts';
import { findConfiguration } from './find-configuration.ts';
import { type Pushed, pushConfiguration } from './push-configuration.ts';

export type AssignNetworkOptions = {
  readonly site: Pick<Site, 'name' | 'store' | 'vault'>;
  readonly camera: string;
  /** Null for the default network of its gateway. */
  readonly network: string | null;
  /** Who does it, for the history. */
  readonly author: string;
  readonly clock?: Clock;
};

/**
 * Pushes to the gateway of a camera the settings that were pushed to it last, in which the camera names another network.
 *
 * @returns null where it names that one already
 * @throws BlindsightError CAMERA_NOT_FOUND, CONFIGURATION_NOT_FOUND where its gateway was pushed nothing, or nothing about it, and as {@link pushConfiguration}
 */
export async function assignNetwork(options: AssignNetworkOptions): Promise<Pushed | null> {
  const { site, camera, network, author, clock } = options;
  const gateway = await site.store.cameras.owner(camera);
  if (gateway === null)
    throw new BlindsightError('CAMERA_NOT_FOUND', `no gateway of this site has a camera ${camera}`);
  const { version } = await findConfiguration(site.store, gateway);
  const document = parseDocument(await settingsOf(site.store, gateway, version));
  const found = cameraIn(document.get('cameras'), camera);
  if (found === null)
    throw new BlindsightError(
      'CONFIGURATION_NOT_FOUND',
      `the settings that were pushed to ${gateway} have no camera ${camera}`,
    );
  if ((found.get('network') ?? null) === network) return null;
  if (network === null) found.delete('network');
  else found.set('network', network);
  return pushConfiguration({
    ...{ site, gateway, author, expectedVersion: version },
    settings: document.toString(),
    origin: `the settings of ${gateway}`,
    ...(clock && { clock }),
  });
}

/** The newest settings, or those that run where the newest did not last. */
async function settingsOf(store: Store, gateway: string, newest: number): Promise<string> {
  const { status } = await findConfiguration(store, gateway, newest);
  const { running } = await store.configurations.running(gateway);
  const lasts = status !== 'rejected' && status !== 'reverted';
  const { wire } = await findConfiguration(store, gateway, lasts || !running ? newest : running);
  return decodeConfiguration(wire).configuration.settings;
}

function cameraIn(list: unknown, camera: string): YAMLMap | null {
  for (const item of isSeq(list) ? list.items : [])
    if (isMap(item) && item.get('name') === camera) return item;
  return null;
}
