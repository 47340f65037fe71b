import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeConfiguration } from '#protocol/configuration.ts';
import { BlindsightError } from '#protocol/errors.ts';
import type { Reported, ReportedConfiguration } from '#protocol/messages.ts';
import { createLogger } from '#runtime/log.ts';
import { SimulatedClock } from '#runtime/simulated-clock.ts';
import { removeGateway } from '../operations/remove-gateway.ts';
import { enrolTestGateway, makeTestSite, type TestSite } from '../testing/test-site.ts';
import { ConfigurationService } from './configuration-service.ts';
import { pushConfiguration } from './push-configuration.ts';

const log = createLogger({ name: 'test', level: 'error', format: 'json', destination: { write: () => {} } });

describe('the service of configurations', () => {
  let site: TestSite;
  let clock: SimulatedClock;
  let failing: boolean;
  let published: { topic: string; version: number | null; retain: boolean | undefined }[];
  let service: ConfigurationService;

  beforeEach(async () => {
    site = await makeTestSite();
    await enrolTestGateway(site, 'gate');
    clock = new SimulatedClock();
    failing = false;
    published = [];
    service = new ConfigurationService({
      store: site.store,
      site: 'yard',
      clock,
      log,
      onChange: () => {},
      link: {
        connected: true,
        publish: async (topic, payload, options) => {
          if (failing) throw new BlindsightError('LINK_DOWN', 'down');
          const version =
            payload.length === 0 ? null : decodeConfiguration(payload as Uint8Array).configuration.version;
          published.push({ topic, version, retain: options?.retain });
        },
      },
    });
  });
  afterEach(() => site.close());

  const push = () =>
    pushConfiguration({ site, gateway: 'gate', settings: 'cameras: []', origin: 'f', author: 'ann', clock });
  const report = (change: Partial<ReportedConfiguration>) =>
    service.reported('gate', {
      configuration: {
        status: 'none',
        version: 0,
        running: 0,
        since: '2026-01-01T00:00:00Z',
        drift: false,
        error: null,
        ...change,
      },
    } as Reported);
  const newest = async () => (await site.store.configurations.newest('gate'))!;
  const journal = async () => (await site.store.journal.latest(9)).map(({ code }) => code);

  it('publishes the newest version once in each connection, retained, and again where that failed', async () => {
    await push();
    failing = true;
    await expect(service.publishConfigurations()).rejects.toThrow('down');
    failing = false;
    await service.publishConfigurations();
    await service.publishConfigurations();
    const topic = 'blindsight/v1/yard/gate/desired';
    expect(published).toEqual([{ topic, version: 1, retain: true }]);
    await push();
    await service.publishConfigurations();
    await service.linkUp();
    expect(published.map(({ version }) => version)).toEqual([1, 2, 2]);
  });

  it('clears the configuration of a gateway that was removed', async () => {
    await push();
    await service.publishConfigurations();
    await removeGateway(site, 'gate');
    await service.publishConfigurations();
    await service.publishConfigurations();
    expect(published.map(({ version }) => version)).toEqual([1, null]);
  });

  it('keeps what a gateway reports, and tells each outcome once', async () => {
    await push();
    await report({ status: 'received', version: 1, running: 1 });
    expect(await newest()).toMatchObject({ status: 'received' });
    await report({ status: 'applied', version: 1, running: 1 });
    await report({ status: 'applied', version: 1, running: 1 });
    expect(await newest()).toMatchObject({ status: 'applied', error: null });
    expect(await site.store.configurations.running('gate')).toEqual({ running: 1, drift: false });
    const error = { code: 'CONFIGURATION_DEATHS', message: 'it ended twice' };
    await report({ status: 'reverted', version: 1, running: 0, error });
    expect(await newest()).toMatchObject({ status: 'reverted', error });
    expect(await journal()).toEqual([
      'CONFIGURATION_REVERTED',
      'CONFIGURATION_APPLIED',
      'CONFIGURATION_PUSHED',
    ]);
  });

  it('keeps what became of the newest, and of those before it that were given up as well', async () => {
    for (const version of [1, 2, 3]) {
      await push();
      if (version < 3) await report({ status: 'applied', version, running: version });
    }
    const error = (version: number) => ({ code: 'CONFIGURATION_NO_LINK', message: `version ${version}` });
    const revertedSince = [{ version: 2, error: error(2) }];
    await report({ status: 'reverted', version: 3, running: 1, error: error(3), revertedSince });
    await report({ status: 'reverted', version: 3, running: 1, error: error(3), revertedSince });
    expect(await site.store.configurations.history('gate')).toMatchObject([
      { version: 3, status: 'reverted', error: error(3) },
      { version: 2, status: 'reverted', error: error(2) },
      { version: 1, status: 'applied', error: null },
    ]);
    expect((await journal()).filter((code) => code === 'CONFIGURATION_REVERTED')).toHaveLength(2);
  });

  it('tells of a file that was edited on the gateway, once', async () => {
    await push();
    await report({ status: 'applied', version: 1, running: 1 });
    await report({ status: 'applied', version: 1, running: 1, drift: true });
    await report({ status: 'applied', version: 1, running: 1, drift: true });
    expect((await journal()).filter((code) => code === 'CONFIGURATION_DRIFT')).toHaveLength(1);
    expect(await site.store.configurations.running('gate')).toEqual({ running: 1, drift: true });
  });

  it('lets a gateway invent no version', async () => {
    await report({ status: 'applied', version: 7, running: 7 });
    expect(await site.store.configurations.history('gate')).toEqual([]);
    expect(await journal()).toEqual([]);
  });
});
