import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type DecryptingSite, drain, makeDecryptingSite } from '../testing/decrypting-site.ts';
import { makeTinyNetwork, type TinyNetwork } from '../testing/tiny-network.ts';

const AHEAD = 3;
const AUDIT = { share: 0.02, lateShare: 0.2, aheadAnswers: AHEAD };

describe('answers while one of their gateway waits for its audit', () => {
  let network: TinyNetwork;
  let bench: DecryptingSite;
  let sequence = 0;
  beforeAll(async () => {
    network = await makeTinyNetwork();
  });
  afterAll(() => network.close());
  beforeEach(async () => {
    bench = await makeDecryptingSite(network);
    sequence = 0;
  });
  afterEach(() => bench.close());

  async function send(count: number, gateway = bench.gateway, camera = 'door'): Promise<void> {
    const ciphertext = network.answer([0.2, 0.9]);
    for (let i = 0; i < count; i++) await bench.put({ sequence: sequence++, ciphertext, camera }, gateway);
    await drain(bench, bench.makeProcessor({ audit: AUDIT }));
  }
  async function choose(): Promise<void> {
    const now = Date.now();
    await bench.site.store.challenges.choose({
      ...{ gateway: 'gate', camera: 'door', session: 1, sequence, digest: 'a'.repeat(64) },
      ...{ frameTimeMs: now, bundle: bench.gateway.bundle, receivedMs: now, dueMs: now },
    });
  }
  const settleAsEqual = () =>
    bench.site.store.transaction(async ({ challenges }) => {
      const [chosen] = await challenges.due(Number.MAX_SAFE_INTEGER);
      await challenges.settle(chosen!, 'equal', Date.now());
    });
  const held = () => bench.site.store.held.count('gate');

  it('are opened up to a bound and then kept, and come back by themselves once it is equal', async () => {
    await send(2);
    await choose();
    await send(10);
    expect(bench.results).toHaveLength(2 + AHEAD);
    expect(await held()).toBe(10 - AHEAD);
    expect((await bench.site.store.gateways.get('gate'))?.quarantine).toBeNull();
    // Not before there is a verdict.
    expect(await bench.site.store.held.takeBack(64, AHEAD)).toBe(0);
    // Nor do others wait for it.
    const other = await bench.enrol('other');
    await send(AHEAD + 2, other, 'yard');
    expect(bench.results.filter(({ camera }) => camera === 'yard')).toHaveLength(AHEAD + 2);

    await settleAsEqual();
    const stop = new AbortController();
    const running = bench.makeProcessor({ audit: AUDIT }).run(stop.signal);
    await expect
      .poll(() => bench.results.filter(({ camera }) => camera === 'door').length, { timeout: 60_000 })
      .toBe(12);
    stop.abort();
    await running;
    expect(await held()).toBe(0);
    expect(bench.results.filter(({ camera }) => camera === 'door').map((one) => one.sequence)).toEqual(
      Array.from({ length: 12 }, (_, i) => i),
    );
    expect(await bench.site.store.counters.all()).toMatchObject({ accepted: 12 + AHEAD + 2 });
  });

  it('stay kept where their gateway is in quarantine by then', async () => {
    await choose();
    await send(AHEAD + 4);
    await bench.site.store.gateways.quarantine('gate', 'it lied', Date.now());
    await settleAsEqual();
    expect(await bench.site.store.held.takeBack(64, AHEAD)).toBe(0);
    expect(await held()).toBe(4);
    await bench.site.store.gateways.release('gate');
    expect(await bench.site.store.held.takeBack(64, AHEAD)).toBe(4);
  });
});
