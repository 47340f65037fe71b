import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SimulatedClock } from '#runtime/simulated-clock.ts';
import { type DecryptingSite, drain, makeDecryptingSite } from '../testing/decrypting-site.ts';
import { releaseTo } from '../testing/test-site.ts';
import { makeTinyNetwork, type TinyNetwork } from '../testing/tiny-network.ts';

const HOUR_MS = 3_600_000;

describe('answers of an earlier release', () => {
  let network: TinyNetwork;
  let bench: DecryptingSite;
  let clock: SimulatedClock;
  let sequence = 0;
  beforeAll(async () => {
    network = await makeTinyNetwork();
  });
  afterAll(() => network.close());
  beforeEach(async () => {
    // A day from now, because the gateway has to be enrolled before its pictures are taken.
    clock = new SimulatedClock(Date.now() + 24 * HOUR_MS);
    bench = await makeDecryptingSite(network);
  });
  afterEach(() => bench.close());

  /** @param ageMs of the picture when its answer arrives */
  async function send(bundle: string, ageMs = 1000): Promise<void> {
    sequence += 1;
    const frameTimeMs = clock.now() - ageMs;
    await bench.put(
      { sequence, bundle, frameTimeMs, ciphertext: network.answer([0.2, 0.9]) },
      bench.gateway,
      {
        receivedMs: clock.now(),
      },
    );
    await drain(bench, bench.makeProcessor({ clock }));
  }
  const refused = async () => (await bench.site.store.counters.all())['refused.superseded'] ?? 0;
  const report = (digest: string, status: 'testing' | 'active' | 'rolled-back') =>
    bench.site.store.deployments.setStatus(digest, status, null, clock.now());

  it('are taken until 72 hours after the gateway itself reported a later one as active', async () => {
    const { bundle: earlier } = bench.gateway;
    const later = await releaseTo(bench.site, 'gate', 'tiny');
    // It was offline for a week, and knows nothing of it.
    await clock.advance(7 * 24 * HOUR_MS);
    await send(earlier, 71 * HOUR_MS);
    await report(later, 'active');
    // And now its outbox empties, on a slow link.
    await clock.advance(72 * HOUR_MS - 1);
    await send(earlier, 71 * HOUR_MS);
    expect(await refused()).toBe(0);
    await clock.advance(1);
    await send(earlier);
    expect(await refused()).toBe(1);
    await send(later);
    expect(bench.results).toHaveLength(3);
  });

  it('are not taken for longer because the gateway reports again and again', async () => {
    const { bundle: earlier } = bench.gateway;
    const later = await releaseTo(bench.site, 'gate', 'tiny');
    await report(later, 'active');
    await clock.advance(71 * HOUR_MS);
    await report(later, 'testing');
    await report(later, 'active');
    await clock.advance(HOUR_MS);
    await send(earlier);
    expect(await refused()).toBe(1);
  });

  it('are those of the present where the later one was rolled back', async () => {
    const { bundle: earlier } = bench.gateway;
    const later = await releaseTo(bench.site, 'gate', 'tiny');
    await report(later, 'active');
    await report(later, 'rolled-back');
    await clock.advance(100 * HOUR_MS);
    await send(earlier);
    expect(await refused()).toBe(0);
    expect(bench.results).toHaveLength(1);
  });
});
