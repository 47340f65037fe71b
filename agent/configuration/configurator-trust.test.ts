import { createPublicKey, type KeyObject } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { AgentConfig } from '#config/schema.ts';
import { type Configuration, signConfiguration } from '#protocol/configuration.ts';
import { createLogger } from '#runtime/log.ts';
import { SimulatedClock } from '#runtime/simulated-clock.ts';
import { makeKeys, makeTrust, privateKey, type TestKeys, type TrustChanges } from '../testing/make-trust.ts';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import { until } from '../testing/until.ts';
import { Trust } from '../trust/trust.ts';
import { Configurator } from './configurator.ts';

const log = createLogger({ name: 'agent', level: 'error', format: 'json', destination: { write: () => {} } });

let data: string;
let clock: SimulatedClock;
let keys: TestKeys;
beforeEach(async () => {
  data = await temporaryDirectory();
  clock = new SimulatedClock(Date.UTC(2027, 0, 1));
  keys = makeKeys();
});

const order = (version: number, key: KeyObject = keys.owner, more: Partial<Configuration> = {}) =>
  signConfiguration(
    {
      ...{ schema: 1, site: 'town', gateway: 'gate-1', version, createdMs: 0, credentials: [] },
      settings: `healthSeconds: ${version}\n`,
      ...more,
    },
    key,
  );
const trusting = (number: number, configuration: number, more: TrustChanges = {}) =>
  makeTrust(keys, clock.now(), { ...more, timestamp: { number, configuration } });

/** A gateway with settings and trust. */
async function open() {
  const trust = await Trust.open({
    ...{ site: 'town', gateway: 'gate-1', data, clock, log },
    rootKey: createPublicKey(keys.root),
    ownerKey: createPublicKey(keys.owner),
  });
  const configurator = await Configurator.open({
    reader: {
      ...{ site: 'town', gateway: 'gate-1', sealingKey: null },
      ownerKeys: trust.ownerKeys,
      admit: trust.admit,
    },
    file: AgentConfig.parse({
      ...{ site: 'town', gateway: 'gate-1', data },
      broker: { url: 'mqtts://b:1', ca: 'a', certificate: 'c', key: 'k' },
      identity: { signingKey: 's', ownerKey: 'o' },
    }),
    clock,
    log,
  });
  const events: string[] = [];
  configurator.connect({
    apply: async () => {},
    proveLink: async () => true,
    onReport: () => {},
    onEvent: (_level, code) => events.push(code),
  });
  trust.connect({
    onChange: () => configurator.trustChanged(),
    onReport: () => {},
    onEvent: () => {},
  });
  const told = (version: number, status: string) =>
    until(`${version} ${status}, is ${JSON.stringify(configurator.report)}`, () => {
      const { report } = configurator;
      return report.version === version && report.status === status;
    });
  const runs = (version: number) => until(`${version} runs`, () => configurator.report.running === version);
  return { trust, configurator, events, told, runs };
}

/** Versions 1 and 2 were applied, one after the other, and proved themselves. */
async function runsTwo() {
  const gateway = await open();
  for (const version of [1, 2]) {
    gateway.configurator.receive(order(version));
    await gateway.told(version, 'applied');
    await clock.advance(60_000);
  }
  return gateway;
}

describe('settings under trust', () => {
  it('that are replayed, expired or come without a fresh timestamp are not taken; what runs goes on', async () => {
    const { trust, configurator, told, runs } = await runsTwo();
    await trust.receive(trusting(1, 9));
    configurator.receive(order(8));
    await told(8, 'rejected');
    expect(configurator.report).toMatchObject({ running: 2, error: { code: 'TRUST_OLD' } });
    configurator.receive(order(9, keys.owner, { expiresMs: clock.now() }));
    await told(9, 'rejected');
    expect(configurator.report.error).toMatchObject({ code: 'TRUST_EXPIRED' });
    await clock.advance(3 * 86_400_000);
    configurator.receive(order(10));
    await told(10, 'rejected');
    expect(configurator.report).toMatchObject({ running: 2, error: { code: 'TRUST_STALE' } });
    // It has its turn when the site is heard again.
    await trust.receive(trusting(2, 10));
    await runs(10);
    await configurator.close();
  });

  it('go back where only a stolen key signed them, and come again signed by the new one', async () => {
    const { trust, configurator, told, runs } = await runsTwo();
    const second = privateKey();
    // In the order in which a broker may bring them.
    configurator.receive(order(3, second));
    await trust.receive(trusting(1, 3, { owners: [second], list: { version: 2 } }));
    await told(3, 'applied');
    const third = privateKey();
    await trust.receive(trusting(2, 3, { owners: [third], list: { version: 3 } }));
    await runs(0);
    expect(configurator.report.error).toMatchObject({ code: 'CONFIGURATION_FOREIGN' });
    expect(configurator.config.healthSeconds).toBe(30);
    configurator.receive(order(4, third));
    await told(4, 'applied');
    await configurator.close();
  });

  it.each<[string, string[]]>([
    ['its state', ['configuration/state.json']],
    ['the copy of its number', ['counters/configuration']],
    ['state and folders', ['configuration']],
    ['everything but what was told', ['configuration', 'counters']],
  ])('of before are not taken where a gateway lost %s', async (_, lost) => {
    const first = await runsTwo();
    await first.trust.receive(trusting(1, 2));
    await first.configurator.close();
    for (const name of lost) await rm(join(data, name), { recursive: true });
    const { configurator, events, runs } = await open();
    configurator.receive(order(1, keys.owner, { settings: 'healthSeconds: 666\n' }));
    await until('a refusal', () => events.length > 0);
    expect(configurator.config.healthSeconds).not.toBe(666);
    expect(['CONFIGURATION_OLD', 'CONFIGURATION_REJECTED']).toContain(events[0]);
    configurator.receive(order(2));
    await runs(2);
    await configurator.close();
  });
});

describe('settings on the disk', () => {
  const folder = () => join(data, 'configuration', '2');
  it.each<[string, string, () => Promise<void>]>([
    [
      'that somebody changed',
      'CONFIGURATION_LOST',
      () => writeFile(join(folder(), 'settings.yaml'), 'healthSeconds: 5\n'),
    ],
    [
      'with a flipped byte in what was signed',
      'CONFIGURATION_FOREIGN',
      async () => {
        const wire = await readFile(join(folder(), 'signed'));
        wire[wire.length - 1]! ^= 1;
        await writeFile(join(folder(), 'signed'), wire);
      },
    ],
    ['without their signature', 'CONFIGURATION_LOST', () => rm(join(folder(), 'signed'))],
    [
      'of another gateway',
      'CONFIGURATION_FOREIGN',
      () => writeFile(join(folder(), 'signed'), order(2, keys.owner, { gateway: 'gate-2' })),
    ],
    [
      'of an earlier version under their number',
      'CONFIGURATION_LOST',
      () => writeFile(join(folder(), 'signed'), order(1)),
    ],
    [
      'of a stranger',
      'CONFIGURATION_FOREIGN',
      () => writeFile(join(folder(), 'signed'), order(2, privateKey())),
    ],
  ])('%s do not run: those before them do', async (_, code, damage) => {
    const first = await runsTwo();
    await first.configurator.close();
    await damage();
    const { configurator } = await open();
    expect(configurator.config.healthSeconds).toBe(1);
    expect(configurator.report).toMatchObject({
      status: 'reverted',
      version: 2,
      running: 1,
      error: { code },
    });
    await configurator.close();
  });

  it('that a program of before kept without a signature run on, and have it once they come again', async () => {
    const first = await runsTwo();
    await first.configurator.close();
    const stateFile = join(data, 'configuration', 'state.json');
    const { signedFrom, ...before } = JSON.parse(await readFile(stateFile, 'utf8'));
    expect(signedFrom).toBe(1);
    await writeFile(stateFile, JSON.stringify(before));
    await rm(join(folder(), 'signed'));
    const { configurator } = await open();
    expect(configurator.report.running).toBe(2);
    configurator.receive(order(2));
    const wire = await until('its signature', () => readFile(join(folder(), 'signed')).catch(() => null));
    expect(Buffer.compare(wire, order(2))).toBe(0);
    await configurator.close();
  });
});
