import { decodeConfiguration } from '#protocol/configuration.ts';
import { BlindsightError } from '#protocol/errors.ts';
import { findGateway } from '../operations/gateways.ts';
import type { Site } from '../site.ts';
import type { ConfigurationRecord } from '../store/configurations.ts';
import { findConfiguration } from './find-configuration.ts';

/** A version of a gateway's settings, without them. */
export type ConfigurationSummary = {
  readonly gateway: string;
  readonly version: number;
  readonly author: string;
  readonly pushed: string;
  readonly status: ConfigurationRecord['status'];
  /** When the status changed last. */
  readonly since: string;
  readonly error: ConfigurationRecord['error'];
};

export type ShownConfiguration = ConfigurationSummary & {
  readonly settings: string;
  /** Cameras whose credentials went along; nobody but the gateway can read these. */
  readonly credentials: readonly string[];
  /** The version that the gateway says that it runs; 0: the file on it; null: it did not say. */
  readonly running: number | null;
  /** Somebody edited the file on the gateway after that. */
  readonly drift: boolean;
};

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
