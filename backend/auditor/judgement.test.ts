import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLogger } from '#runtime/log.ts';
import { SimulatedClock } from '#runtime/simulated-clock.ts';
import { openSqlite } from '../store/sqlite.ts';
import { Store } from '../store/store.ts';
import { Crash, CrashingDatabase } from '../testing/crashing-database.ts';
import { enrolTestGateway, makeTestSite, type TestSite } from '../testing/test-site.ts';
import { Judgement } from './judgement.ts';

const log = createLogger({ name: 'test', level: 'error', format: 'json', destination: { write: () => {} } });

describe('a verdict', () => {
  let site: TestSite;
  beforeEach(async () => {
    site = await makeTestSite();
    await enrolTestGateway(site, 'gate');
  });
  afterEach(() => site.close());

  const judgementOf = (store: Store) =>
    new Judgement({ store, missing: 3, clock: new SimulatedClock(), log, onVerdict: () => {} });

  it('and the quarantine that follows from it are durable together, whenever the process is killed', async () => {
    await site.store.challenges.choose({
      ...{ gateway: 'gate', camera: 'door', session: 1, sequence: 1, digest: 'a'.repeat(64) },
      ...{ frameTimeMs: 1, bundle: 'b', receivedMs: 1, dueMs: 1 },
    });
    const id = (await site.store.challenges.due(2))[0]!.id;
    const state = async () => [
      (await site.store.challenges.get(id))!.verdict,
      (await site.store.gateways.get('gate'))!.quarantine !== null,
    ];
    const seen: unknown[] = [];
    for (let instants = 0; instants < 60; instants++) {
      const database = new CrashingDatabase(openSqlite(join(site.dataDirectory, 'blindsight.db')));
      const store = new Store(database);
      const challenge = (await store.challenges.get(id))!;
      database.crashAfter(instants);
      await judgementOf(store)
        .settle(challenge, 'unequal')
        .catch((error: unknown) => expect(error).toBeInstanceOf(Crash));
      database.crashAfter(Number.POSITIVE_INFINITY);
      await store.close();
      seen.push(await state());
    }
    const before = seen.filter((one) => JSON.stringify(one) === '[null,false]').length;
    expect(before).toBeGreaterThan(5);
    expect(seen.slice(before)).toEqual(Array(60 - before).fill(['unequal', true]));
    expect(before).toBeLessThan(60);
    expect(await site.store.challenges.counts()).toMatchObject([{ unequal: 1 }]);
  });
});
