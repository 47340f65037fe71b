import { BlindsightError } from '#protocol/errors.ts';
import type { ConfigurationRecord } from '../store/configurations.ts';
import type { Store } from '../store/store.ts';

/**
 * A version of the settings of a gateway.
 *
 * @param version the newest where left out
 * @throws BlindsightError CONFIGURATION_NOT_FOUND
 */
export async function findConfiguration(
  store: Store,
  gateway: string,
  version?: number,
): Promise<ConfigurationRecord> {
  const { configurations } = store;
  const found =
    version === undefined ? await configurations.newest(gateway) : await configurations.get(gateway, version);
  if (found !== null) return found;
  throw new BlindsightError(
    'CONFIGURATION_NOT_FOUND',
    version === undefined
      ? `no settings were pushed to ${gateway} yet: it runs the agent.yaml that lies on it`
      : `${gateway} has no version ${version}`,
  );
}
