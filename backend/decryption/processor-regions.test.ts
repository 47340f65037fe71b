import type { KeyObject } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Envelope, encodeEnvelope, envelopeDigest } from '#protocol/envelope.ts';
import type { Result } from '#protocol/messages.ts';
import { systemClock } from '#runtime/clock.ts';
import { createLogger } from '#runtime/log.ts';
import { keepNetwork } from '../protection/keep-network.ts';
import { enrolTestGateway, makeTestSite, releaseTo, type TestSite } from '../testing/test-site.ts';
import { makeTinyNetwork, type TinyNetwork } from '../testing/tiny-network.ts';
import { Decryptor } from './decryptor.ts';
import { Processor } from './processor.ts';

const log = createLogger({ name: 'test', level: 'error', format: 'json', destination: { write: () => {} } });

describe('an envelope about several regions', () => {
  let network: TinyNetwork;
  let site: TestSite;
  let signingKey: KeyObject;
  let bundle: string;
  let decryptor: Decryptor;
  let processor: Processor;
  let results: Result[];

  beforeAll(async () => {
    network = await makeTinyNetwork({ regions: 2 });
  }, 60_000);
  afterAll(() => network.close());

  beforeEach(async () => {
    site = await makeTestSite();
    const { protectedNetwork } = network;
    const copy = {
      ...protectedNetwork,
      secretKey: Uint8Array.from(protectedNetwork.secretKey),
      resultSecretKey: Uint8Array.from(protectedNetwork.resultSecretKey!),
      onnx: Uint8Array.from(protectedNetwork.onnx),
    };
    await keepNetwork(site, 'tiny', copy, 1);
    signingKey = await enrolTestGateway(site, 'gate');
    bundle = await releaseTo(site, 'gate', 'tiny');
    decryptor = new Decryptor(site);
    results = [];
    processor = new Processor({
      store: site.store,
      site: site.name,
      decryptor,
      limits: { perCameraPerSecond: 640, maxAgeMs: 72 * 3_600_000 },
      clock: systemClock,
      log,
      onResult: (result) => results.push(result),
      onChange: () => {},
    });
  });
  afterEach(async () => {
    await decryptor.close();
    await site.close();
  });

  async function send(changes: Partial<Envelope>): Promise<void> {
    const envelope = encodeEnvelope(
      {
        schema: 1,
        site: 'yard',
        gateway: 'gate',
        camera: 'door',
        session: 1,
        sequence: 0,
        frameTimeMs: Date.now() - 1000,
        readyTimeMs: Date.now() - 500,
        bundle,
        interpreter: 'reference',
        historical: false,
        timings: { prepareMs: 1, encryptMs: 2, evaluateMs: 3 },
        ciphertext: network.answer([0.2, 0.9, 0.8, 0.1]),
        ...changes,
      },
      signingKey,
    );
    const arrival = { gateway: 'gate', camera: 'door', digest: envelopeDigest(envelope), envelope };
    const bound = { items: 100, bytes: 2 ** 30, siteBytes: 2 ** 30 };
    await site.store.inbox.add({ ...arrival, receivedMs: Date.now() }, bound);
    await processor.process((await site.store.inbox.first())!);
  }

  it('gives one result for each region, stored together and once', async () => {
    await send({ regions: ['left', 'right'] });
    expect(results).toMatchObject([
      { camera: 'door', region: 'left', label: 'occupied', probability: 0.94, sequence: 0 },
      { camera: 'door', region: 'right', label: 'empty', probability: 0.94, sequence: 0 },
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
    await send({ regions: ['left'] });
    expect(results.map(({ region, label }) => [region, label])).toEqual([['left', 'occupied']]);
  });

  it('without names is about the picture as a whole, as ever', async () => {
    await send({});
    expect(results).toHaveLength(1);
    expect(results[0]).not.toHaveProperty('region');
    expect(await site.store.results.latest('door')).toEqual(results[0]);
    expect(await site.store.results.latestRegions('door')).toEqual([]);
  });

  it('is not decrypted where it names more regions than the network has', async () => {
    await send({ regions: ['left', 'right', 'middle'] });
    expect(results).toEqual([]);
    expect(await site.store.counters.all()).toEqual({ 'refused.regions': 1 });
  });

  it('is withheld as a whole where one region cannot be genuine', async () => {
    const other = await makeTinyNetwork({ regions: 2, weight: 40 });
    const copy = { ...other.protectedNetwork };
    await keepNetwork(site, 'tiny', copy, 2);
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
