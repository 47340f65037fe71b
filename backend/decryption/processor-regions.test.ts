import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Envelope } from '#protocol/envelope.ts';
import { keepNetwork } from '../protection/keep-network.ts';
import { type DecryptingSite, drain, makeDecryptingSite } from '../testing/decrypting-site.ts';
import { releaseTo } from '../testing/test-site.ts';
import { makeTinyNetwork, type TinyNetwork } from '../testing/tiny-network.ts';

describe('an envelope about several regions', () => {
  let network: TinyNetwork;
  let bench: DecryptingSite;

  beforeAll(async () => {
    network = await makeTinyNetwork({ regions: 2 });
  });
  afterAll(() => network.close());
  beforeEach(async () => {
    bench = await makeDecryptingSite(network);
  });
  afterEach(() => bench.close());

  async function send(changes: Partial<Envelope>): Promise<void> {
    await bench.put({ ciphertext: network.answer([0.2, 0.9, 0.8, 0.1]), ...changes });
    await drain(bench, bench.makeProcessor());
  }

  it('gives one result for each region, stored together and once', async () => {
    const { site, results } = bench;
    await send({ regions: ['left', 'right'] });
    expect(results).toMatchObject([
      { camera: 'door', region: 'left', label: 'occupied', probability: 0.95, sequence: 0 },
      { camera: 'door', region: 'right', label: 'empty', probability: 0.95, sequence: 0 },
    ]);
    expect(await site.store.results.latestRegions('door')).toEqual(results);
    expect(await site.store.results.latest('door')).toBeNull();
    expect(await site.store.counters.all()).toEqual({ accepted: 1 });
    // The same place again, with other bytes: refused, whatever regions it names.
    await send({ regions: ['other'], ciphertext: network.answer([0.9, 0.2, 0.1, 0.8]) });
    expect(results).toHaveLength(2);
    expect(await site.store.counters.all()).toEqual({ accepted: 1, 'refused.replayed': 1 });
  });

  it('publishes no more regions than it names', async () => {
    const { results } = bench;
    await send({ regions: ['left'] });
    expect(results.map(({ region, label }) => [region, label])).toEqual([['left', 'occupied']]);
  });

  it('without names is about the picture as a whole, as ever', async () => {
    const { site, results } = bench;
    await send({});
    expect(results).toHaveLength(1);
    expect(results[0]).not.toHaveProperty('region');
    expect(await site.store.results.latest('door')).toEqual(results[0]);
    expect(await site.store.results.latestRegions('door')).toEqual([]);
  });

  it('is not decrypted where it names more regions than the network has', async () => {
    const { site, results } = bench;
    await send({ regions: ['left', 'right', 'middle'] });
    expect(results).toEqual([]);
    expect(await site.store.counters.all()).toEqual({ 'refused.regions': 1 });
  });

  it('is withheld as a whole where one region cannot be genuine', async () => {
    const { site, results } = bench;
    const other = await makeTinyNetwork({ regions: 2, weight: 40 });
    await keepNetwork(site, 'tiny', { ...other.protectedNetwork }, 2);
    const wide = await releaseTo(site, 'gate', 'tiny');
    // The first region is within the range, the second beyond it.
    const ciphertext = other.answer([0.1, 0.1, 0.9, 0.1]);
    await other.close();
    await send({ bundle: wide, regions: ['left', 'right'], ciphertext });
    expect(results).toEqual([]);
    expect(await site.store.results.latestRegions('door')).toEqual([]);
    expect(await site.store.counters.all()).toEqual({ withheld: 1 });
    expect((await site.store.gateways.get('gate'))?.quarantine).toBeNull();
  });
});
