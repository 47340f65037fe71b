import { generateKeyPairSync } from 'node:crypto';
import { AgentConfig } from '#config/schema.ts';
import { type Configuration, signConfiguration } from '#protocol/configuration.ts';
import { createLogger } from '#runtime/log.ts';
import { SimulatedClock } from '#runtime/simulated-clock.ts';
import { Configurator } from '../configuration/configurator.ts';
import { until } from './until.ts';

const owner = generateKeyPairSync('ed25519');
export const sealing = generateKeyPairSync('x25519');
const reader = {
  site: 'town',
  gateway: 'gate-1',
  ownerKeys: () => [owner.publicKey],
  sealingKey: sealing.privateKey,
};
const log = createLogger({ name: 'agent', level: 'error', format: 'json', destination: { write: () => {} } });

export const fileOf = (data: string, more: object = {}) =>
  AgentConfig.parse({
    site: 'town',
    gateway: 'gate-1',
    data,
    broker: { url: 'mqtts://b:1', ca: 'a', certificate: 'c', key: 'k' },
    identity: { signingKey: 's', ownerKey: 'o' },
    ...more,
  });

export const order = (
  version: number,
  settings: string,
  more: Partial<Configuration> = {},
  key = owner.privateKey,
) =>
  signConfiguration(
    {
      schema: 1,
      site: 'town',
      gateway: 'gate-1',
      version,
      createdMs: 0,
      settings,
      credentials: [],
      ...more,
    },
    key,
  );

/** A configurator with a gateway around it that does what a test says. */
export async function configuredGateway(data: string, options: { file?: AgentConfig; link?: boolean } = {}) {
  const clock = new SimulatedClock();
  const configurator = await Configurator.open({ reader, file: options.file ?? fileOf(data), clock, log });
  const world: {
    link: boolean;
    refuse: string | null;
    applying?: () => Promise<void>;
    proving?: Promise<boolean>;
  } = { link: options.link ?? true, refuse: null };
  const applied: AgentConfig[] = [];
  const events: string[] = [];
  configurator.connect({
    apply: async (config) => {
      if (world.refuse !== null && config.healthSeconds === 666) throw new Error(world.refuse);
      await world.applying?.();
      applied.push(config);
    },
    proveLink: () => world.proving ?? Promise.resolve(world.link),
    onReport: () => {},
    onEvent: (_level, code, message) => events.push(`${code}: ${message}`),
  });
  /** Waits for what became of a version. */
  const told = (version: number, status: string) =>
    until(
      `version ${version} ${status}`,
      () => configurator.report.version === version && configurator.report.status === status,
    );
  return { configurator, clock, world, applied, events, told };
}
