import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Intake } from '#backend/decryption/intake.ts';
import { RefusalLog } from '#backend/decryption/refusal-log.ts';
import { StreamQueue } from '#backend/queue/stream-queue.ts';
import { InboxStore, type Passed } from '#backend/store/inbox.ts';
import { migrate } from '#backend/store/migrations.ts';
import { openSqlite } from '#backend/store/sqlite.ts';
import { Store } from '#backend/store/store.ts';
import { nats } from '#broker/testing/contract-brokers.ts';
import { envelopeDigest } from '#protocol/envelope.ts';
import { systemClock } from '#runtime/clock.ts';
import { createLogger } from '#runtime/log.ts';
import { makeNatsPlace } from './testing/nats-place.ts';
import { keepAsGateways } from './testing/queue-contract.ts';

const WAIT = { timeout: 60_000, interval: 50 };
const log = createLogger({ name: 'test', level: 'error', format: 'json', destination: { write: () => {} } });

describe('what a gateway makes up, on its way into a stream', () => {
  let store: Store;
  let queue: StreamQueue;
  let table: InboxStore;
  let intake: Intake;
  let kept: string[];
  const early: string[] = [];
  const troubles: string[] = [];
  const ends: (() => Promise<unknown>)[] = [];
  beforeEach(async () => {
    const place = await makeNatsPlace('yard');
    const server = await nats({ folder: place.folder, site: 'yard', maxMessageKilobytes: 256 });
    const settings = place.settings([server.clientPort!], { maxPerGateway: 3 });
    const onTrouble = ({ code }: { readonly code: string }) => troubles.push(code);
    queue = new StreamQueue({ settings, clock: systemClock, log, onTrouble });
    const database = openSqlite(join(place.folder, 'blindsight.db'));
    await migrate(database);
    table = new InboxStore(database);
    store = new Store(database, {}, queue);
    const stop = new AbortController();
    const running = queue.run(stop.signal);
    ends.push(async () => {
      stop.abort();
      await running;
      await database.close();
      await server.stop();
      await place.remove();
    });
    await vi.waitFor(() => queue.state(), WAIT);
    troubles.length = 0;
    kept = [];
    const keep: StreamQueue['keep'] = async (batch) => {
      const outcomes = await keepAsGateways(queue, batch);
      // Of what was sent again; nothing else is sent twice.
      kept.push(...outcomes.filter((outcome) => outcome === 'stored' || outcome === 'present'));
      return outcomes;
    };
    intake = new Intake({
      ...{ store, clock: systemClock, log, onStored: () => {}, queue: { keep } },
      receipts: { add: (_, digest) => early.push(digest) },
      refusals: new RefusalLog(store, systemClock, log),
    });
  });
  afterEach(async () => {
    for (const end of ends.splice(0)) await end();
    expect(early).toEqual([]);
  });

  async function send(camera: string, length = 100) {
    const topic = `blindsight/v1/yard/liar/camera/${camera}/inference`;
    intake.receive(topic, new Uint8Array(randomBytes(length)), { retain: false, dup: false, qos: 1 });
    await intake.idle();
  }

  it.each(['', ' ', ' door ', 'door\r\nBlindsight-Attempts: 9', '\u0001', '"', 'Tür 🚪', 'x'.repeat(60_000)])(
    // Cut to 64 characters: no camera has so many, and it would take memory that is not counted.
    'comes out with its camera as it was named, %.64j',
    async (camera) => {
      await send(camera);
      expect(kept).toHaveLength(1);
      await vi.waitFor(async () => {
        const item = await store.inbox.next('', new Map<string, Passed>());
        expect(item).toMatchObject({ gateway: 'liar', camera: camera.slice(0, 64), attempts: 0 });
        await store.settling((inside) => inside.inbox.remove([item!.id]));
      }, WAIT);
      await vi.waitFor(async () => expect(await store.inbox.count()).toBe(0), WAIT);
    },
  );

  it('is refused by its name where the server takes nothing so large, and is no trouble of the site', async () => {
    await send('door', 300_000);
    expect(kept).toHaveLength(0);
    expect(await store.counters.all()).toEqual({ 'refused.oversized': 1 });
    expect(troubles).toEqual([]);
    await send('door');
    expect(kept).toHaveLength(1);
  });

  it('keeps nobody waiting whose answers come back from quarantine while it is full of its own', async () => {
    for (let i = 0; i < 3; i++) await send('door');
    expect(kept).toHaveLength(3);
    const back = (gateway: string) => {
      const envelope = new Uint8Array(randomBytes(50));
      const digest = envelopeDigest(envelope);
      return table.takeBack([{ gateway, camera: 'door', receivedMs: 1, digest, envelope, attempts: 0 }]);
    };
    for (let i = 0; i < 70; i++) await back('liar');
    await back('gate');
    const ofEach = { items: 99, ofOne: 1 };
    const waiting = async () =>
      (await store.inbox.take('', new Map<string, Passed>(), ofEach)).map(({ gateway }) => gateway);
    await vi.waitFor(async () => {
      const turns = await waiting();
      expect(turns).toContain('gate');
      expect(turns).toContain('liar');
    }, WAIT);
    // They have their receipts: until they are settled they stay in the database.
    expect(await table.count()).toBe(71);
    expect(await store.inbox.count()).toBe(74);
  });
});
