import type { ConfigurationSummary, ShownConfiguration } from '#protocol/api.ts';
import { decodeConfiguration } from '#protocol/configuration.ts';
import { BlindsightError } from '#protocol/errors.ts';
import { findGateway } from '../operations/gateways.ts';
import type { Site } from '../site.ts';
import type { ConfigurationRecord } from '../store/configurations.ts';
import { findConfiguration } from './find-configuration.ts';

export function summarize(record: ConfigurationRecord): ConfigurationSummary {
  const { gateway, version, author, status, error, createdMs, updatedMs } = record;
  const iso = (ms: number) => new Date(ms).toISOString();
  return { gateway, version, author, pushed: iso(createdMs), status, since: iso(updatedMs), error };
}

/**
 * @param version the newest where left out
 * @throws BlindsightError GATEWAY_NOT_FOUND, CONFIGURATION_NOT_FOUND
 */
export async function showConfiguration(
  { store }: Pick<Site, 'store'>,
  name: string,
  version?: number,
): Promise<ShownConfiguration> {
  const { name: gateway } = await findGateway({ store }, name);
  const record = await findConfiguration(store, gateway, version);
  const { settings, credentials } = decodeConfiguration(record.wire).configuration;
  return {
    ...summarize(record),
    settings,
    credentials: credentials.map(({ camera }) => camera),
    ...(await store.configurations.running(gateway)),
  };
}

/** What a gateway says that it runs. @throws BlindsightError GATEWAY_NOT_FOUND, CONFIGURATION_NOT_FOUND where the site does not know it. */
export async function showRunning(site: Pick<Site, 'store'>, name: string): Promise<ShownConfiguration> {
  const { name: gateway } = await findGateway(site, name);
  const { running } = await site.store.configurations.running(gateway);
  if (running !== null && running > 0) return showConfiguration(site, gateway, running);
  throw new BlindsightError(
    'CONFIGURATION_NOT_FOUND',
    running === 0
      ? `${gateway} runs the agent.yaml that lies on it, which the site does not know`
      : `${gateway} has not said yet what it runs`,
  );
}

/** All versions, newest first. @throws BlindsightError GATEWAY_NOT_FOUND */
export async function listConfigurations(
  { store }: Pick<Site, 'store'>,
  name: string,
): Promise<ConfigurationSummary[]> {
  const { name: gateway } = await findGateway({ store }, name);
  return (await store.configurations.history(gateway)).map(summarize);
}
