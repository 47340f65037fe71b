import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createLogger } from '#runtime/log.ts';
import { SimulatedClock } from '#runtime/simulated-clock.ts';
import { DeploymentService } from '../deployment/deployment-service.ts';
import { deployModel } from '../operations/deploy-model.ts';
import { reinstateModel, retireModel } from '../operations/retire-model.ts';
import { SiteView } from '../results/site-view.ts';
import { type DecryptingSite, drain, makeDecryptingSite } from '../testing/decrypting-site.ts';
import { makeTinyNetwork, type TinyNetwork } from '../testing/tiny-network.ts';

const HOUR_MS = 3_600_000;
const log = createLogger({ name: 'test', level: 'error', format: 'json', destination: { write: () => {} } });

describe('a retired network', () => {
  let network: TinyNetwork;
  let bench: DecryptingSite;
  let clock: SimulatedClock;
  beforeAll(async () => {
    network = await makeTinyNetwork();
  });
  afterAll(() => network.close());
  beforeEach(async () => {
    clock = new SimulatedClock(Date.now());
    bench = await makeDecryptingSite(network);
  });
  afterEach(() => bench.close());

  const retire = (graceMs: number) =>
    retireModel({ site: bench.site, model: 'tiny', version: 1, graceMs, clock });
  const reinstate = () => reinstateModel({ site: bench.site, model: 'tiny', version: 1, clock });

  it('is answered by until its time of grace is over, counted then, and again once it is back', async () => {
    const processor = bench.makeProcessor({ clock });
    const send = async (sequence: number) => {
      const ciphertext = network.answer([0.1, 0.9]);
      const times = { frameTimeMs: clock.now() - 1000, readyTimeMs: clock.now() - 500 };
      await bench.put({ sequence, ciphertext, ...times }, bench.gateway, { receivedMs: clock.now() });
      await drain(bench, processor);
    };
    expect(await retire(HOUR_MS)).toMatchObject({ changed: true, gateways: ['gate'] });
    // A second time changes nothing, and prolongs nothing.
    expect(await retire(9 * HOUR_MS)).toMatchObject({ changed: false });
    await send(0);
    await clock.advance(HOUR_MS);
    await send(1);
    expect(bench.results).toHaveLength(1);
    expect(bench.results[0]).toMatchObject({ model: 'tiny', modelVersion: 1 });
    expect(await bench.site.store.counters.all()).toMatchObject({ accepted: 1, 'refused.retired': 1 });
    expect((await bench.site.store.journal.latest(9)).map(({ code }) => code)).toEqual(
      expect.arrayContaining(['MODEL_RETIREMENT', 'REFUSED_RETIRED']),
    );
    await reinstate();
    await send(2);
    expect(bench.results.map(({ sequence }) => sequence)).toEqual([0, 2]);
  });

  it('is not deployed, its release is taken off the broker, and page and list name who runs it', async () => {
    const { site } = bench;
    const published: [string, number][] = [];
    const link = {
      connected: true,
      publish: async (topic: string, payload: Uint8Array | string) => {
        published.push([topic.split('/').slice(3).join('/'), payload.length]);
      },
    };
    const service = new DeploymentService({
      store: site.store,
      site: site.name,
      link,
      clock,
      log,
      onChange: () => {},
    });
    await service.linkUp();
    await retire(HOUR_MS);
    await service.publishReleases();
    expect(published).toEqual([
      ['gate/bundle/manifest', expect.any(Number)],
      ['gate/bundle/manifest', 0],
    ]);
    await expect(deployModel({ site, model: 'tiny', gateway: 'gate' })).rejects.toMatchObject({
      code: 'MODEL_RETIRED',
    });
    const view = await new SiteView(site.name, site.store, clock).snapshot();
    expect(view.gateways[0]!.model).toEqual({ name: 'tiny', version: 1, retired: true });
    expect(view.models[0]!.retired).toEqual({
      since: new Date(clock.now()).toISOString(),
      refusedFrom: new Date(clock.now() + HOUR_MS).toISOString(),
    });
    await reinstate();
    await service.publishReleases();
    expect(published[2]).toEqual(published[0]);
    await deployModel({ site, model: 'tiny', gateway: 'gate' });
    await expect(retireModel({ site, model: 'tiny', version: 7, graceMs: 0, clock })).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
    });
  });

  it('names its version in answers that were stored before results had one', async () => {
    const processor = bench.makeProcessor();
    await bench.put({ ciphertext: network.answer([0.1, 0.9]), regions: ['left'] });
    await bench.put({ ciphertext: network.answer([0.2, 0.9]), sequence: 1 });
    await drain(bench, processor);
    const { results, publications } = bench.site.store;
    const whole = bench.results.find(({ region }) => region === undefined)!;
    const { modelVersion, ...before } = whole;
    await results.add({
      ...{ gateway: 'gate', session: 1, sequence: 2, digest: 'a'.repeat(64), camera: 'door', model: 'tiny' },
      ...{ version: 4, frameMs: Date.now() + 1, storedMs: Date.now(), withheld: null },
      results: [before as typeof whole],
    });
    await publications.add('gate', 1, 2);
    expect(modelVersion).toBe(1);
    expect(await results.latest('door')).toMatchObject({ model: 'tiny', modelVersion: 4 });
    expect((await results.latestRegions('door'))[0]).toMatchObject({ region: 'left', modelVersion: 1 });
    const all = await publications.after(0, 9);
    expect(all.flatMap((one) => one.results.map((result) => result.modelVersion)).sort()).toEqual([1, 1, 4]);
    const span = { sinceMs: 0, beforeMs: Number.MAX_SAFE_INTEGER };
    const history = await results.history('door', span, 9);
    expect(history.map(({ result }) => result.modelVersion)).toEqual([1, 4]);
    expect(await results.history('door', span, 9, 'left')).toHaveLength(1);
  });
});
