import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type DecryptingSite, makeDecryptingSite } from '../testing/decrypting-site.ts';
import { makeEnvelopeChecks } from '../testing/envelope-checks.ts';
import { makeTinyNetwork, type TinyNetwork } from '../testing/tiny-network.ts';
import { checkEnvelope, type EnvelopeChecks } from './check-envelope.ts';

describe('an envelope for a place that is forgotten while it is checked', () => {
  let network: TinyNetwork;
  let bench: DecryptingSite;
  let checks: EnvelopeChecks;
  beforeEach(async () => {
    network = await makeTinyNetwork({});
    bench = await makeDecryptingSite(network);
    checks = makeEnvelopeChecks(bench.site);
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await bench.close();
    network.close();
  });

  const settle = (sequence: number) =>
    bench.site.store.transaction(async (inside) => {
      const about = { gateway: 'gate', session: 1, sequence, camera: 'door', model: 'tiny', version: 1 };
      const when = { frameMs: Date.now() - 5000, storedMs: Date.now() - 4000 };
      const digest = `${sequence}`.padEnd(64, 'd');
      expect(await inside.results.add({ ...about, ...when, digest, withheld: null, results: [] })).toBe(true);
      await inside.gateways.advance('gate', about);
    });

  it('is not opened: whichever is asked first, the place itself or its floor', async () => {
    const { store } = bench.site;
    await settle(3);
    await settle(9);
    await bench.put({ sequence: 3, ciphertext: network.answer([0.2, 0.7]) });
    const item = (await store.inbox.first())!;
    let asked = 0;
    const forgetting = async <T>(answer: Promise<T>): Promise<T> => {
      const said = await answer;
      asked += 1;
      if (asked === 1) expect(await store.results.removeBefore(Date.now())).toBe(2);
      return said;
    };
    const { results, floors } = store;
    const [digestAt, covers] = [results.digestAt.bind(results), floors.covers.bind(floors)];
    vi.spyOn(results, 'digestAt').mockImplementation((...place) => forgetting(digestAt(...place)));
    vi.spyOn(floors, 'covers').mockImplementation((...place) => forgetting(covers(...place)));
    expect(await checkEnvelope(checks, item)).toMatchObject({ outcome: 'refuse', reason: 'stale' });
    expect(asked).toBe(2);
  });
});
