import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type DecryptingSite, makeDecryptingSite } from '../testing/decrypting-site.ts';
import { makeTinyNetwork, type TinyNetwork } from '../testing/tiny-network.ts';
import { Batches } from './batches.ts';

describe('turns of gateways', () => {
  let network: TinyNetwork;
  let bench: DecryptingSite;
  beforeAll(async () => {
    network = await makeTinyNetwork();
  });
  afterAll(() => network.close());
  beforeEach(async () => {
    bench = await makeDecryptingSite(network);
  });
  afterEach(() => bench.close());

  it('come one after the other: 200 messages of garbage hold up an honest gateway by one for each of its own', async () => {
    await bench.enrol('liar');
    const garbage = { gateway: 'liar', camera: 'yard' };
    for (let count = 0; count < 200; count++) await bench.putBytes(randomBytes(2000), garbage);
    const ciphertext = network.answer([0.2, 0.9]);
    for (let sequence = 0; sequence < 5; sequence++) await bench.put({ sequence, ciphertext });
    const processor = bench.makeProcessor();
    const order = vi.spyOn(Batches.prototype, 'look');
    const stop = new AbortController();
    const running = processor.run(stop.signal);
    await vi.waitUntil(async () => (await bench.site.store.inbox.count()) === 0, { timeout: 60_000 });
    stop.abort();
    await running;
    const turns = order.mock.calls.flatMap(([items]) => items.map(({ gateway }) => gateway));
    expect(turns).toHaveLength(205);
    // Which of the two begins is a matter of their names.
    expect(turns.slice(0, 10).filter((gateway) => gateway === 'gate')).toHaveLength(5);
    const own = turns.flatMap((gateway, at) => (gateway === 'gate' ? [at] : []));
    expect(own.slice(1).map((at, i) => at - own[i]!)).toEqual([2, 2, 2, 2]);
    expect(bench.results.map(({ sequence }) => sequence)).toEqual([0, 1, 2, 3, 4]);
    expect(await bench.site.store.counters.all()).toEqual({ accepted: 5, 'refused.malformed': 200 });
  });

  it('are of many in each batch: what one sends too much of is half of it at most', async () => {
    await bench.enrol('liar');
    for (let count = 0; count < 100; count++)
      await bench.putBytes(randomBytes(2000), { gateway: 'liar', camera: 'yard' });
    const batches = vi.spyOn(Batches.prototype, 'look');
    const stop = new AbortController();
    const running = bench.makeProcessor().run(stop.signal);
    await vi.waitUntil(async () => (await bench.site.store.inbox.count()) === 0, { timeout: 60_000 });
    stop.abort();
    await running;
    expect(batches.mock.calls.map(([items]) => items.length)).toEqual([32, 32, 32, 4]);
  });

  it('pass over what cannot be processed now, and it comes again', async () => {
    const ciphertext = network.answer([0.2, 0.9]);
    const other = await bench.enrol('other');
    vi.spyOn(bench.decryptor, 'prepare').mockRejectedValueOnce(new Error('the key is away'));
    await bench.put({ sequence: 0, ciphertext });
    await bench.put({ sequence: 1, ciphertext: network.answer([0.9, 0.2]) });
    await bench.put({ sequence: 0, ciphertext, camera: 'yard' }, other);
    const stop = new AbortController();
    const running = bench.makeProcessor().run(stop.signal);
    await vi.waitUntil(() => bench.results.length === 3, { timeout: 60_000 });
    stop.abort();
    await running;
    const order = bench.results.map(({ camera, sequence }) => `${camera} ${sequence}`);
    expect(order.at(-1)).toBe('door 0');
    expect(order.sort()).toEqual(['door 0', 'door 1', 'yard 0']);
  });
});
