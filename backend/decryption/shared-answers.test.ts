import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Envelope, encodeEnvelope } from '#protocol/envelope.ts';
import { keepNetwork } from '../protection/keep-network.ts';
import { type DecryptingSite, drain, makeDecryptingSite } from '../testing/decrypting-site.ts';
import { releaseTo } from '../testing/test-site.ts';
import { makeTinyNetwork, type TinyNetwork } from '../testing/tiny-network.ts';

/** Two places: the first empty, the second occupied. */
const PIXELS = [0.9, 0.2, 0.1, 0.8];

describe('an envelope about two cameras', () => {
  let network: TinyNetwork;
  let bench: DecryptingSite;
  let newestMs = 0;

  beforeAll(async () => {
    network = await makeTinyNetwork({ regions: 2 });
  });
  afterAll(() => network.close());
  beforeEach(async () => {
    bench = await makeDecryptingSite(network);
    newestMs = Date.now() - 5000;
  });
  afterEach(() => bench.close());

  const also = (camera: string) => {
    newestMs += 1;
    return [{ camera, frameTimeMs: newestMs }];
  };
  /** Of cameras `door` and `yard`, unless it is said otherwise. */
  async function send(changes: Partial<Envelope> = {}, processor = bench.makeProcessor()): Promise<Envelope> {
    const shared = { schema: 2, others: also('yard'), ciphertext: network.answer(PIXELS) } as const;
    const envelope = bench.makeEnvelope({ ...shared, ...changes });
    await bench.putBytes(encodeEnvelope(envelope, bench.gateway.signingKey), { camera: envelope.camera });
    await drain(bench, processor);
    return envelope;
  }
  const counters = () => bench.site.store.counters.all();

  it('gives each its own result, time and number', async () => {
    const { site, results } = bench;
    const { frameTimeMs, others } = await send({ sequence: 4 });
    expect(results).toMatchObject([
      {
        camera: 'door',
        label: 'empty',
        probability: 0.95,
        sequence: 4,
        frameTime: new Date(frameTimeMs).toISOString(),
      },
      {
        camera: 'yard',
        label: 'occupied',
        sequence: 5,
        frameTime: new Date(others![0]!.frameTimeMs).toISOString(),
      },
    ]);
    expect(await site.store.results.latest('door')).toEqual(results[0]);
    expect(await site.store.results.latest('yard')).toEqual(results[1]);
    expect((await site.store.gateways.get('gate'))?.last).toMatchObject({ session: 1, sequence: 5 });
    // The next one follows without a gap.
    await send({ sequence: 6 });
    await send({ sequence: 10 });
    expect(await counters()).toEqual({ accepted: 6, gaps: 2 });
  });

  it('may be about regions of them', async () => {
    const wide = await makeTinyNetwork({ regions: 3 });
    await keepNetwork(bench.site, 'wide', wide.protectedNetwork, 1);
    const bundle = await releaseTo(bench.site, 'gate', 'wide');
    const ciphertext = wide.answer([0.9, 0.2, 0.1, 0.8, 0.2, 0.9]);
    await wide.close();
    await send({ bundle, ciphertext, regions: ['left', 'right'] });
    expect(bench.results).toMatchObject([
      { camera: 'door', region: 'left', label: 'empty' },
      { camera: 'door', region: 'right', label: 'occupied' },
      { camera: 'yard', label: 'occupied' },
    ]);
  });

  it('is settled once: again it is a duplicate, with other bytes at one of its places a replay', async () => {
    const envelope = await send();
    await send(envelope);
    expect(await counters()).toEqual({ accepted: 2, duplicates: 1 });
    // An answer about one camera at the place of the second one, and a shared one that overlaps.
    const { others: _, ...alone } = bench.makeEnvelope({ sequence: 1, ciphertext: network.answer(PIXELS) });
    await bench.put(alone);
    await send({ sequence: 1 });
    // The same bytes under other numbers.
    await send({ ...envelope, sequence: 8 });
    await send({ ...envelope, sequence: 10, frameTimeMs: newestMs + 100 });
    expect(bench.results).toHaveLength(2);
    expect(await counters()).toEqual({ accepted: 2, duplicates: 1, 'refused.replayed': 6, gaps: 6 });
  });

  it('uses up nothing of the rate of a camera that another gateway has', async () => {
    const other = await bench.enrol('other');
    const minuteMs = 60_000 * (Math.floor(Date.now() / 60_000) - 30);
    const honest = { camera: 'hall', ciphertext: network.answer(PIXELS) };
    await bench.put({ ...honest, sequence: 0, frameTimeMs: minuteMs - 60_000 }, other, { camera: 'hall' });
    const processor = bench.makeProcessor({
      limits: {
        ...{ perCameraPerSecond: 1 / 60, ofCameras: new Map(), maxAgeMs: 72 * 3_600_000 },
        formerReleaseMs: 72 * 3_600_000,
      },
    });
    await drain(bench, processor);
    for (let i = 0; i < 12; i++) {
      // Of its own camera about another minute each time, so that its own rate stops none of them.
      const envelope = bench.makeEnvelope({
        schema: 2,
        sequence: 2 * i,
        frameTimeMs: minuteMs - (12 - i) * 60_000,
        others: [{ camera: 'hall', frameTimeMs: minuteMs + i }],
        ciphertext: network.answer(PIXELS),
      });
      await bench.putBytes(encodeEnvelope(envelope, bench.gateway.signingKey), { camera: 'door' });
    }
    await bench.put({ ...honest, sequence: 1, frameTimeMs: minuteMs + 30 }, other, { camera: 'hall' });
    const { store } = bench.site;
    const items = [];
    for (let item = await store.inbox.first(); item !== null; item = await store.inbox.first(item.id))
      items.push(item);
    await processor.process(items);
    expect(bench.results.filter(({ camera }) => camera === 'hall').map(({ sequence }) => sequence)).toEqual([
      0, 1,
    ]);
  });

  it('is refused where it names a camera twice, or more pictures than there are places', async () => {
    const processor = bench.makeProcessor();
    const others = [...also('yard'), ...also('lot')];
    await send({ others }, processor);
    expect(await counters()).toEqual({ 'refused.regions': 1 });
    const envelope = bench.makeEnvelope({ schema: 2, others: also('door'), sequence: 10 });
    expect(() => encodeEnvelope(envelope, bench.gateway.signingKey)).toThrow('each camera once');
  });

  it('asks the store about each picture only where the network of its release answers about so many', async () => {
    const { site } = bench;
    await bench.enrol('other');
    const ofOther = await releaseTo(site, 'other', 'tiny');
    const many = Array.from({ length: 63 }, (_, i) => also(`camera-${i}`)).flat();
    const { cameras, results } = site.store;
    const spies = [vi.spyOn(cameras, 'claim'), vi.spyOn(results, 'about')] as const;
    const processor = bench.makeProcessor();
    await send({ others: many }, processor);
    await send({ others: many, bundle: '0'.repeat(64), sequence: 100 }, processor);
    await send({ bundle: ofOther, sequence: 200 }, processor);
    expect(await counters()).toEqual({ 'refused.regions': 1, 'refused.model': 2 });
    for (const spy of spies) expect(spy).not.toHaveBeenCalled();
    await send({ sequence: 300 }, processor);
    for (const spy of spies) expect(spy).toHaveBeenCalledTimes(2);
  });

  it('does not let another gateway speak about a camera that is not its own; the others are heard', async () => {
    const { site, results } = bench;
    await bench.enrol('other');
    await site.store.cameras.claim('yard', 'other', 1);
    await send();
    expect(results.map(({ camera }) => camera)).toEqual(['door']);
    expect(await counters()).toEqual({ accepted: 1, 'refused.camera': 1 });
    expect(await site.store.results.latest('yard')).toBeNull();
    await site.store.cameras.claim('hall', 'other', 1);
    await send({ camera: 'hall', others: also('yard'), sequence: 2 });
    expect(results).toHaveLength(1);
    expect((await site.store.gateways.get('gate'))?.last).toMatchObject({ sequence: 1 });
  });

  it('uses up the rate of each camera, and the one that has none left costs the others nothing', async () => {
    const limits = {
      ...{ perCameraPerSecond: 640, ofCameras: new Map([['yard', 0.01]]) },
      ...{ maxAgeMs: 72 * 3_600_000, formerReleaseMs: 72 * 3_600_000 },
    };
    const processor = bench.makeProcessor({ limits });
    newestMs = Math.floor(newestMs / 60_000) * 60_000;
    for (let i = 0; i < 8; i++) await send({ sequence: 2 * i }, processor);
    const of = (camera: string) => bench.results.filter((result) => result.camera === camera).length;
    expect([of('door'), of('yard')]).toEqual([8, 6]);
    expect(await counters()).toEqual({ accepted: 14, 'refused.too-many': 2 });
  });

  it('withholds the answer about the picture that is out of range, and no other', async () => {
    const { site, results } = bench;
    const wide = await makeTinyNetwork({ regions: 2, weight: 40 });
    await keepNetwork(site, 'tiny', wide.protectedNetwork, 2);
    const bundle = await releaseTo(site, 'gate', 'tiny');
    // The first picture is within the range, the second beyond it.
    const ciphertexts = Array.from({ length: 9 }, () => wide.answer([0.1, 0.2, 0.9, 0.1]));
    await wide.close();
    for (const [i, ciphertext] of ciphertexts.entries()) await send({ bundle, ciphertext, sequence: 2 * i });
    expect(results.map(({ camera }) => camera)).toEqual(new Array(9).fill('door'));
    expect(await counters()).toEqual({ accepted: 9, withheld: 9 });
    expect(await site.store.cameras.withheld()).toMatchObject([
      { camera: 'door', withheld: 0, unusual: [] },
      { camera: 'yard', withheld: 9, unusual: [{}] },
    ]);
  });

  it('blames none of them where the ciphertext as a whole is not what the program gives', async () => {
    const { site, results } = bench;
    // A network that fills other places: an answer that wrapped around looks like it.
    const other = await makeTinyNetwork({ regions: 3 });
    const { interpretation } = network.protectedNetwork;
    await keepNetwork(site, 'tiny', { ...other.protectedNetwork, interpretation }, 2);
    const bundle = await releaseTo(site, 'gate', 'tiny');
    const ciphertext = other.answer([0.9, 0.2, 0.1, 0.8, 0.2, 0.9]);
    await other.close();
    for (let i = 0; i < 9; i++) await send({ bundle, ciphertext, sequence: 2 * i });
    expect(results).toEqual([]);
    expect(await counters()).toEqual({ withheld: 18 });
    expect(await site.store.cameras.withheld()).toMatchObject([
      { camera: 'door', withheld: 9, unusual: [] },
      { camera: 'yard', withheld: 9, unusual: [] },
    ]);
  });
});
