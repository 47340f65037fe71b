import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { BlindsightError } from '#protocol/errors.ts';
import { systemClock } from '#runtime/clock.ts';
import { createLogger } from '#runtime/log.ts';
import { GatewayShards } from '../roles/gateway-shards.ts';
import { LateResults } from '../store/late-results.ts';
import { quarantineGateway } from '../store/quarantine-gateway.ts';
import { shardOf } from '../store/shard-of.ts';
import { type DecryptingSite, drain, makeDecryptingSite } from '../testing/decrypting-site.ts';
import { makeTinyNetwork, type TinyNetwork } from '../testing/tiny-network.ts';

const MINUTE_MS = 60_000;
const log = createLogger({ name: 'test', level: 'error', format: 'json', destination: { write: () => {} } });

describe('envelopes that are processed together', () => {
  let network: TinyNetwork;
  let bench: DecryptingSite;
  beforeAll(async () => {
    network = await makeTinyNetwork();
  });
  afterAll(() => network.close());
  beforeEach(async () => {
    bench = await makeDecryptingSite(network);
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await bench.close();
  });

  const waiting = async () => {
    const items = [];
    for (let item = await bench.site.store.inbox.first(); item !== null; ) {
      items.push(item);
      item = await bench.site.store.inbox.first(item.id);
    }
    return items;
  };
  const sequences = () => bench.results.map(({ sequence }) => sequence);

  it('are durable together, however many there are: one commit before the decryptions, one after', async () => {
    for (let sequence = 0; sequence < 20; sequence++)
      await bench.put({ sequence, ciphertext: network.answer([0.2, 0.9]) });
    const processor = bench.makeProcessor();
    await processor.process((await waiting()).slice(0, 1));
    const before = vi.spyOn(bench.site.store, 'transaction');
    const after = vi.spyOn(bench.site.store, 'settling');
    await processor.process(await waiting());
    expect([before, after].map(({ mock }) => mock.calls.length)).toEqual([1, 1]);
    expect(sequences()).toEqual(Array.from({ length: 20 }, (_, sequence) => sequence));
    expect(await bench.site.store.counters.all()).toEqual({ accepted: 20 });
  });

  it('have one outcome for each place, and one answer for each picture', async () => {
    const frameTimeMs = Date.now() - 5000;
    const [first, second] = [network.answer([0.2, 0.9]), network.answer([0.9, 0.2])];
    await bench.put({ sequence: 0, ciphertext: first, frameTimeMs });
    // Another answer at the same place, and the same answer about the same moment at another one.
    await bench.put({ sequence: 0, ciphertext: second });
    await bench.put({ sequence: 1, ciphertext: first, frameTimeMs });
    await bench.put({ sequence: 2, ciphertext: second });
    const decrypt = vi.spyOn(bench.decryptor, 'decrypt');
    await drain(bench, bench.makeProcessor());
    expect(decrypt).toHaveBeenCalledTimes(2);
    expect(sequences()).toEqual([0, 2]);
    expect(await bench.site.store.counters.all()).toEqual({ accepted: 2, 'refused.replayed': 2 });
  });

  it('count against the rate of their camera before they are settled', async () => {
    const minuteMs = MINUTE_MS * (Math.floor(Date.now() / MINUTE_MS) - 1);
    for (let sequence = 0; sequence < 20; sequence++)
      await bench.put({ sequence, ciphertext: network.answer([0.2, 0.9]), frameTimeMs: minuteMs + sequence });
    const processor = bench.makeProcessor({
      limits: {
        ...{ perCameraPerSecond: 1 / 60, ofCameras: new Map(), maxAgeMs: 72 * 3_600_000 },
        formerReleaseMs: 72 * 3_600_000,
      },
    });
    await drain(bench, processor);
    // One a minute, five more for timers that are not exact, and a twentieth.
    expect(await bench.site.store.counters.all()).toEqual({ accepted: 7, 'refused.too-many': 13 });
  });

  it('are kept undecided where their gateway comes into quarantine after they were looked at', async () => {
    await bench.put({ sequence: 0, ciphertext: network.answer([0.2, 0.9]) });
    const { prepare } = bench.decryptor;
    vi.spyOn(bench.decryptor, 'prepare').mockImplementation(async (model, keySet) => {
      await quarantineGateway(bench.site.store, 'gate', 'a look', Date.now());
      return prepare.call(bench.decryptor, model, keySet);
    });
    const decrypt = vi.spyOn(bench.decryptor, 'decrypt');
    await drain(bench, bench.makeProcessor());
    expect(decrypt).not.toHaveBeenCalled();
    expect(sequences()).toEqual([]);
    await bench.site.store.gateways.release('gate');
    expect(await bench.site.store.held.takeBack(10, 200)).toBe(1);
    vi.mocked(bench.decryptor.prepare).mockRestore();
    await drain(bench, bench.makeProcessor());
    expect(sequences()).toEqual([0]);
  });

  it('lose nothing to one that ends the thread: it alone is given up', async () => {
    const poison = network.answer([0.2, 0.9]);
    for (let sequence = 0; sequence < 5; sequence++)
      await bench.put({ sequence, ciphertext: sequence === 2 ? poison : network.answer([0.2, 0.9]) });
    const { decrypt } = bench.decryptor;
    let isDead = false;
    vi.spyOn(bench.decryptor, 'decrypt').mockImplementation(async (model, keySet, ciphertext) => {
      const isPoison = Buffer.compare(ciphertext, poison) === 0;
      if (isPoison) isDead = true;
      // Whatever is with it in the thread fails, too.
      await new Promise((resolve) => setImmediate(resolve));
      if (isPoison)
        setImmediate(() => {
          isDead = false;
        });
      if (isDead) throw new BlindsightError('WORKER_FAILED', 'the thread ended');
      return decrypt.call(bench.decryptor, model, keySet, ciphertext);
    });
    const processor = bench.makeProcessor();
    for (let round = 0; round < 6; round++) await processor.process(await waiting()).catch(() => {});
    expect(sequences()).toEqual(expect.arrayContaining([0, 1, 3, 4]));
    expect(await bench.site.store.counters.all()).toMatchObject({ accepted: 4, withheld: 1 });
    expect(await bench.site.store.inbox.count()).toBe(0);
  });

  it.each(['begins', 'is settled'])(
    'are left where another decryptor has taken their gateway over before it %s, and nothing else is',
    async (when) => {
      const { store } = bench.site;
      const shards = new GatewayShards({ store, holder: 'one', clock: systemClock, log });
      await shards.balance();
      const other = await bench.enrol('gate-1');
      expect(shardOf(other.name)).not.toBe(shardOf('gate'));
      for (let sequence = 0; sequence < 3; sequence++)
        await bench.put({ sequence, ciphertext: network.answer([0.2, 0.9]) });
      await bench.put({ sequence: 7, camera: 'yard', ciphertext: network.answer([0.2, 0.9]) }, other);
      const lose = () => store.leases.release(`shard/${String(shardOf(other.name)).padStart(2, '0')}`, 'one');
      const { decrypt } = bench.decryptor;
      const decrypting = vi.spyOn(bench.decryptor, 'decrypt').mockImplementation(async (...about) => {
        if (when === 'is settled') await lose();
        return decrypt.apply(bench.decryptor, about);
      });
      if (when === 'begins') await lose();
      const settling = vi.spyOn(store, 'settling');
      const processor = bench.makeProcessor({ shards });
      await expect(processor.process(await waiting())).rejects.toMatchObject({ code: 'GATEWAYS_TAKEN_OVER' });
      expect(sequences()).toEqual([0, 1, 2]);
      expect(decrypting).toHaveBeenCalledTimes(when === 'begins' ? 3 : 4);
      expect(settling).toHaveBeenCalledTimes(when === 'begins' ? 1 : 2);
      expect(shards.mine).not.toContain(shardOf(other.name));
      expect((await waiting()).map(({ gateway }) => gateway)).toEqual([other.name]);
    },
  );

  it('are written together again where another transaction was in the way, and not for ever', async () => {
    const put = async (from: number) => {
      for (let sequence = from; sequence < from + 4; sequence++)
        await bench.put({ sequence, ciphertext: network.answer([0.2, 0.9]) });
    };
    const deadlock = Object.assign(new Error('deadlock detected'), { code: '40P01' });
    const processor = bench.makeProcessor();
    const settling = vi.spyOn(bench.site.store, 'settling');
    settling.mockRejectedValueOnce(deadlock).mockRejectedValueOnce(deadlock);
    await put(0);
    await processor.process(await waiting());
    expect(settling).toHaveBeenCalledTimes(3);
    expect(sequences()).toEqual([0, 1, 2, 3]);
    settling.mockClear().mockRejectedValue(deadlock);
    await put(4);
    await expect(processor.process(await waiting())).rejects.toBe(deadlock);
    // Four times together, and then each by itself, as often.
    expect(settling).toHaveBeenCalledTimes(4 + 4 * 4);
    settling.mockRestore();
    await processor.process(await waiting());
    expect(sequences()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(await bench.site.store.counters.all()).toEqual({ accepted: 8 });
  });

  it('are each written by itself where one of them cannot be', async () => {
    for (let sequence = 0; sequence < 4; sequence++)
      await bench.put({ sequence, ciphertext: network.answer([0.2, 0.9]) });
    const { add } = LateResults.prototype;
    const fault = new Error('a row that no table takes');
    vi.spyOn(LateResults.prototype, 'add').mockImplementation(function (this: LateResults, record) {
      if (record.sequence === 1) throw fault;
      return add.call(this, record);
    });
    const processor = bench.makeProcessor();
    await expect(processor.process(await waiting())).rejects.toBe(fault);
    expect(sequences()).toEqual([0, 2, 3]);
    const decrypt = vi.spyOn(bench.decryptor, 'decrypt');
    vi.mocked(LateResults.prototype.add).mockRestore();
    await processor.process(await waiting());
    expect(sequences()).toEqual([0, 2, 3, 1]);
    expect(decrypt).not.toHaveBeenCalled();
  });
});
