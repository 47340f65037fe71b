import { randomBytes } from 'node:crypto';
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { queueTrouble } from '#backend/queue/queue-trouble.ts';
import { StreamLink, type StreamSettings } from '#backend/queue/stream-link.ts';
import { StreamQueue } from '#backend/queue/stream-queue.ts';
import type { Arrival, InboxItem, Passed } from '#backend/store/inbox.ts';
import { migrate } from '#backend/store/migrations.ts';
import { openSqlite } from '#backend/store/sqlite.ts';
import { Store } from '#backend/store/store.ts';
import { nats, natsCluster, type RunningBroker } from '#broker/testing/contract-brokers.ts';
import { envelopeDigest } from '#protocol/envelope.ts';
import { type Clock, systemClock } from '#runtime/clock.ts';
import { createLogger } from '#runtime/log.ts';
import { mountSmallDisk, NO_MOUNT } from '#runtime/testing/small-disk.ts';
import { makeNatsPlace, type NatsPlace } from './testing/nats-place.ts';

const WAIT = { timeout: 120_000, interval: 50 };
const log = createLogger({ name: 'test', level: 'error', format: 'json', destination: { write: () => {} } });

const arrivalOf = (gateway: string, length = 200): Arrival => {
  const envelope = new Uint8Array(randomBytes(length));
  return { gateway, camera: 'door', receivedMs: Date.now(), envelope, digest: envelopeDigest(envelope) };
};

/** The clock of the system, which can be put forward. */
class FastForward implements Clock {
  #ms = 0;
  forward(ms: number): void {
    this.#ms += ms;
  }
  now = () => systemClock.now() + this.#ms;
  monotonic = () => systemClock.monotonic() + this.#ms;
  sleep = systemClock.sleep;
}

describe('a queue in JetStream', () => {
  let place: NatsPlace;
  const ends: (() => Promise<unknown>)[] = [];
  beforeEach(async () => {
    place = await makeNatsPlace('yard');
  });
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
    await place.remove();
  });

  async function serve(folder = place.folder): Promise<RunningBroker> {
    const server = await nats({ folder, site: 'yard', maxMessageKilobytes: 256 });
    ends.push(() => server.stop());
    return server;
  }

  /** A process on the queue, with a store of its own unless one is given. */
  async function work(settings: StreamSettings, clock: Clock = systemClock) {
    const queue = new StreamQueue({ settings, clock, log });
    const database = openSqlite(join(place.folder, `${settings.site}-${ends.length}.db`));
    await migrate(database);
    const stop = new AbortController();
    const running = queue.run(stop.signal);
    ends.push(async () => {
      stop.abort();
      await running;
      await database.close();
    });
    return { queue, store: new Store(database, {}, queue) };
  }
  type Worker = Awaited<ReturnType<typeof work>>;

  /** As a gateway does, which sends what has no receipt until it has one. */
  const deliver = ({ queue }: Worker, arrivals: readonly Arrival[]) => {
    let owing = arrivals;
    return vi.waitFor(async () => {
      const kept = await queue.keep(owing);
      owing = owing.filter((_, i) => kept[i] !== 'stored' && kept[i] !== 'present');
      expect(owing).toEqual([]);
    }, WAIT);
  };

  const waits = ({ store }: Worker, count: number) =>
    vi.waitFor(async () => expect(await store.inbox.count()).toBe(count), WAIT);

  async function take({ store }: Worker, count: number): Promise<InboxItem[]> {
    const seen = new Map<string, Passed>();
    const items: InboxItem[] = [];
    await vi.waitFor(async () => {
      let item = await store.inbox.next('', seen);
      for (; item !== null; item = await store.inbox.next('', seen)) items.push(item);
      expect(new Set(items.map(({ digest }) => digest)).size).toBeGreaterThanOrEqual(count);
    }, WAIT);
    return items;
  }

  const settle = ({ store }: Worker, items: readonly InboxItem[]) =>
    store.settling(async (inside) => {
      for (const { id } of items) await inside.inbox.remove([id]);
    });

  const digests = (items: readonly { readonly digest: string }[]) => items.map(({ digest }) => digest).sort();

  // A connection has 5 s and an answer too, which may be too little on a busy machine.
  const open = (settings: StreamSettings) => vi.waitFor(() => StreamLink.open(settings), WAIT);
  const forbidden = (act: () => Promise<unknown>) =>
    vi.waitFor(() => expect(act()).rejects.toMatchObject({ code: 'QUEUE_FORBIDDEN' }), WAIT);

  it('goes on when the server is killed and comes back, and removes then what was settled meanwhile', async () => {
    const server = await serve();
    const worker = await work(place.settings([server.clientPort!]));
    const before = Array.from({ length: 20 }, () => arrivalOf('gate'));
    await deliver(worker, before);
    const items = await take(worker, 20);
    process.kill(server.pid!, 'SIGKILL');
    await vi.waitFor(() => expect(worker.queue.trouble).toMatchObject({ code: 'QUEUE_UNAVAILABLE' }), WAIT);
    await expect(worker.queue.keep([arrivalOf('gate')])).rejects.toMatchObject({ code: 'QUEUE_UNAVAILABLE' });
    await settle(worker, items.slice(0, 15));
    await server.restart();
    const after = Array.from({ length: 20 }, () => arrivalOf('gate'));
    await deliver(worker, after);
    await waits(worker, 25);
    expect(worker.queue.trouble).toBeNull();
    const again = await take(worker, 25);
    expect(digests(again)).toEqual(digests([...before.slice(15), ...after]));
    await settle(worker, again);
    await waits(worker, 0);
  });

  it('counts an attempt of what was given out before the server went away', async () => {
    const server = await serve();
    const worker = await work(place.settings([server.clientPort!]));
    await deliver(worker, [arrivalOf('gate')]);
    const [item] = await take(worker, 1);
    await server.restart();
    await worker.store.transaction((inside) => inside.inbox.beginAttempts([item!.id]));
    const [again] = await take(worker, 1);
    expect(again).toMatchObject({ id: item!.id, attempts: 1 });
  });

  it('does not take a stream that was made anew for the one before', async () => {
    const server = await serve();
    const worker = await work(place.settings([server.clientPort!]));
    await deliver(worker, [arrivalOf('gate')]);
    const [item] = await take(worker, 1);
    const everything = `authorization { users: [ { user: "CN=backend" } ] }`;
    const file = join(place.folder, 'nats.conf');
    const configuration = await readFile(file, 'utf8');
    await writeFile(file, configuration.replace(/authorization \{[\s\S]*?\n\}/, everything));
    await server.restart();
    const owner = await open(place.settings([server.clientPort!]));
    await owner.manager.streams.delete(owner.stream);
    await owner.close();
    await server.restart();
    const other = arrivalOf('gate');
    await deliver(worker, [other]);
    const [next] = await take(worker, 1);
    expect(next).toMatchObject({ digest: other.digest });
    expect(next!.id).not.toBe(item!.id);
    // What is settled of the old one removes nothing of the new one.
    await settle(worker, [item!]);
    await worker.queue.idle();
    await waits(worker, 1);
    await settle(worker, [next!]);
    await waits(worker, 0);
  });

  it('has once more what the servers lost, as its gateway has no receipt and sends it again', async () => {
    const server = await serve();
    const worker = await work(place.settings([server.clientPort!]));
    const arrivals = [arrivalOf('gate'), arrivalOf('gate'), arrivalOf('gate')];
    await deliver(worker, arrivals);
    const owner = await open(place.settings([server.clientPort!]));
    ends.push(() => owner.close());
    const { first_seq: first } = (await owner.manager.streams.info(owner.stream)).state;
    await owner.manager.streams.deleteMessage(owner.stream, first + 1);
    await waits(worker, 2);
    await deliver(worker, arrivals);
    await waits(worker, 3);
    const items = await take(worker, 3);
    expect(digests(items)).toEqual(digests(arrivals));
    await settle(worker, items);
    expect(digests(await worker.store.dueReceipts.take(9))).toEqual(digests(arrivals));
  });

  it('does not take another envelope at a place for the one that was there before the server lost it', async () => {
    const server = await serve();
    const worker = await work(place.settings([server.clientPort!]));
    await waits(worker, 0);
    const inFolder = await readdir(place.folder, { withFileTypes: true });
    const [folder = expect.fail()] = inFolder.filter((entry) => entry.isDirectory());
    const [stored, before] = [join(place.folder, folder.name), `${place.folder}-before`];
    ends.push(() => rm(before, { recursive: true }));
    await server.restart(() => cp(stored, before, { recursive: true }));
    const lost = arrivalOf('gate');
    await deliver(worker, [lost]);
    const [item] = await take(worker, 1);
    process.kill(server.pid!, 'SIGKILL');
    await server.restart(async () => {
      await rm(stored, { recursive: true });
      await cp(before, stored, { recursive: true });
    });
    const other = arrivalOf('other');
    await deliver(worker, [other]);
    const [next] = await take(worker, 1);
    expect(next).toMatchObject({ gateway: 'other', digest: other.digest });
    expect(next!.id).not.toBe(item!.id);
    // Each has its own receipt, and nothing is deleted but what was settled.
    await settle(worker, [item!]);
    await worker.queue.idle();
    expect(digests(await worker.store.dueReceipts.take(9))).toEqual([lost.digest]);
    await waits(worker, 1);
    await settle(worker, [next!]);
    await waits(worker, 0);
    expect(digests(await worker.store.dueReceipts.take(9))).toEqual([other.digest]);
  });

  it('reads all anew what it has in its index and the stream has not, or has and the index has not', async () => {
    const server = await serve();
    const clock = new FastForward();
    const worker = await work(place.settings([server.clientPort!]), clock);
    const arrivals = [arrivalOf('gate'), arrivalOf('gate')];
    await deliver(worker, arrivals);
    const seen = new Map<string, Passed>();
    await vi.waitFor(async () => expect(await worker.store.inbox.marks(0, 9)).toHaveLength(2), WAIT);
    const owner = await open(place.settings([server.clientPort!]));
    ends.push(() => owner.close());
    await owner.manager.streams.deleteMessage(owner.stream, 1);
    // An index that has overlooked one.
    worker.queue.index.clear();
    expect(await worker.store.inbox.next('', seen)).toBeNull();
    await vi.waitFor(async () => {
      clock.forward(31_000);
      expect(worker.queue.index.size).toBe(1);
    }, WAIT);
    expect(digests(await take(worker, 1))).toEqual([arrivals[1]!.digest]);
    // One that is gone is forgotten after a minute.
    await owner.manager.streams.deleteMessage(owner.stream, 2);
    worker.queue.index.add({ ...worker.queue.index.marks(0, 1)[0]!, id: 9, digest: 'gone' });
    await vi.waitFor(async () => {
      clock.forward(31_000);
      await worker.store.inbox.get(9);
      expect(worker.queue.index.size).toBe(0);
    }, WAIT);
  });

  it('brings into the database what has been in hand for long, with its attempts, and its receipt is due', async () => {
    const server = await serve();
    const clock = new FastForward();
    const worker = await work(place.settings([server.clientPort!]), clock);
    const arrivals = [arrivalOf('gate'), arrivalOf('gate'), arrivalOf('gate')];
    await deliver(worker, arrivals);
    const items = await take(worker, 3);
    await worker.store.transaction(({ inbox }) => inbox.beginAttempts([items[0]!.id]));
    expect(worker.queue.troubled()).toEqual([]);
    clock.forward(31_000);
    expect(worker.queue.troubled()).toHaveLength(3);
    // No more of them than there is room for.
    await worker.store.transaction(({ inbox }) => inbox.setAside(worker.queue.troubled(), 2));
    expect(digests(await worker.store.dueReceipts.take(9))).toEqual(digests(items.slice(0, 2)));
    await vi.waitFor(async () => expect((await worker.queue.state()).messages).toBe(1), WAIT);
    await waits(worker, 3);
    expect(worker.queue.troubled()).toHaveLength(1);
    const aside = (await take(worker, 3)).filter(({ id }) => id < 0);
    expect(aside.map(({ digest, attempts }) => [digest, attempts])).toEqual(
      items.slice(0, 2).map(({ digest }, i) => [digest, i === 0 ? 1 : 0]),
    );
    await settle(worker, aside);
    await waits(worker, 1);
  });

  it('settles what came back from quarantine out of the database alone, also while the servers are away', async () => {
    const server = await serve();
    const worker = await work(place.settings([server.clientPort!]));
    const back = [arrivalOf('gate'), arrivalOf('gate')];
    await worker.store.transaction(({ inbox }) =>
      inbox.takeBack(back.map((arrival) => ({ ...arrival, attempts: 1 }))),
    );
    await server.stop();
    const items = await take(worker, 2);
    expect(items.map(({ digest, attempts }) => [digest, attempts])).toEqual(
      back.map(({ digest }) => [digest, 1]),
    );
    await worker.store.transaction(({ inbox }) => inbox.beginAttempts([items[0]!.id]));
    expect((await worker.store.inbox.get(items[0]!.id))?.attempts).toBe(2);
    expect((await worker.store.inbox.all(items.map(({ id }) => id))).length).toBe(2);
    await settle(worker, items);
    expect(await take(worker, 0)).toEqual([]);
  });

  it('names an account without the right, and takes nothing', async () => {
    const server = await serve();
    const users = await readFile(join(place.folder, 'users.conf'), 'utf8');
    await writeFile(join(place.folder, 'users.conf'), users.replace(/.*blindsight\.queue\.yard\.\*.*\n/, ''));
    await server.restart();
    const settings = place.settings([server.clientPort!]);
    const worker = await work(settings);
    await vi.waitFor(() => worker.queue.state(), WAIT);
    await forbidden(() => worker.queue.keep([arrivalOf('gate')]));
    // Nor one that may not even look whether there is a stream.
    await writeFile(join(place.folder, 'users.conf'), users.replace(/.*\$JS\.API\.STREAM.*\n/g, ''));
    await server.restart();
    await vi.waitFor(() => expect(worker.queue.trouble).toMatchObject({ code: 'QUEUE_FORBIDDEN' }), WAIT);
    await forbidden(() => StreamLink.open(settings));
  });

  it('lets a gateway, and whoever is of another authority, nowhere near', async () => {
    const server = await serve();
    const settings = place.settings([server.clientPort!]);
    await (await open(settings)).close();
    const other = await makeNatsPlace('yard');
    onTestFinished(() => other.remove());
    const { certificate, key } = other.settings([]);
    await expect(StreamLink.open({ ...settings, certificate, key })).rejects.toMatchObject({
      code: expect.stringMatching(/^QUEUE_/),
    });
    const gate = await place.issue('gateway', 'gate-1');
    await forbidden(() => StreamLink.open({ ...settings, ...gate }));
  });

  it('shows two sites on one server nothing of each other', async () => {
    const server = await serve();
    const yard = await work(place.settings([server.clientPort!]));
    await deliver(yard, [arrivalOf('gate')]);
    const south = place.settings([server.clientPort!], { site: 'south' });
    await forbidden(() => StreamLink.open(south));
    // Even where the account may do everything.
    const file = join(place.folder, 'nats.conf');
    const configuration = await readFile(file, 'utf8');
    const everything = `authorization { users: [ { user: "CN=backend" } ] }`;
    await writeFile(file, configuration.replace(/authorization \{[\s\S]*?\n\}/, everything));
    await server.restart();
    const other = await work(south);
    const theirs = [arrivalOf('gate'), arrivalOf('gate')];
    await deliver(other, theirs);
    expect(digests(await take(other, 2))).toEqual(digests(theirs));
    await waits(yard, 1);
    await waits(other, 2);
  });

  it.each([{}, { tls_verify: true }])('speaks to nobody who has no TLS, and says %o', async (claim) => {
    const heard: string[] = [];
    const info = {
      server_id: 'x',
      version: '2.9.10',
      proto: 1,
      max_payload: 1e6,
      headers: true,
      jetstream: true,
      ...claim,
    };
    const imposter = createServer((socket) => {
      socket.on('error', () => {});
      socket.write(`INFO ${JSON.stringify(info)}\r\n`);
      socket.on('data', (data) => {
        heard.push(String(data));
        socket.write('PONG\r\n');
      });
    }).listen(0, '127.0.0.1');
    onTestFinished(() => void imposter.close());
    await vi.waitFor(() => expect(imposter.address()).not.toBeNull(), WAIT);
    const { port } = imposter.address() as AddressInfo;
    const failure = await StreamLink.open(place.settings([port])).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'QUEUE_UNAVAILABLE', message: expect.stringContaining('tls') });
    expect(heard).toEqual([]);
  });

  it('takes nothing while the disk of the server is full, and has the rest', async ({ skip }) => {
    const disk = mountSmallDisk(24);
    if (disk === null) return skip(NO_MOUNT);
    for (const file of ['ca.pem', 'broker.pem', 'broker.key'])
      await writeFile(join(disk.folder, file), await readFile(join(place.folder, file)), { mode: 0o600 });
    const server = await serve(disk.folder);
    ends.unshift(async () => disk.unmount());
    const worker = await work(place.settings([server.clientPort!]));
    const first = Array.from({ length: 10 }, () => arrivalOf('gate', 10_000));
    await deliver(worker, first);
    disk.fill();
    const kept: Arrival[] = [];
    const refused: string[] = [];
    for (let round = 0; round < 40; round++) {
      const batch = Array.from({ length: 5 }, () => arrivalOf('gate', 100_000));
      try {
        const outcomes = await worker.queue.keep(batch);
        kept.push(...batch.filter((_, i) => outcomes[i] === 'stored'));
        if (worker.queue.trouble !== null) refused.push(worker.queue.trouble.code);
      } catch (error) {
        refused.push(queueTrouble(error).code);
      }
      if (refused.length > 2) break;
    }
    expect(refused.length).toBeGreaterThan(0);
    for (const code of refused) expect(['QUEUE_UNAVAILABLE', 'QUEUE_FULL']).toContain(code);
    disk.empty();
    // 2.9.10 does not end by SIGTERM any more once it found its disk full.
    process.kill(server.pid!, 'SIGKILL');
    await server.restart();
    const after = [arrivalOf('gate')];
    await deliver(worker, after);
    // Whatever it had taken is there, and perhaps what it had not.
    const found = digests(await take(worker, first.length + kept.length + after.length));
    for (const { digest } of [...first, ...kept, ...after]) expect(found).toContain(digest);
  });

  it('of three servers goes on when one is lost, with all that it took', async () => {
    const cluster = await natsCluster({ folder: place.folder, site: 'yard', maxMessageKilobytes: 256 });
    ends.push(() => cluster.stop());
    const worker = await work(place.settings(cluster.clientPorts, { replicas: 3 }));
    const before = Array.from({ length: 50 }, () => arrivalOf('gate'));
    await deliver(worker, before);
    const sent: Arrival[] = [];
    const stop = new AbortController();
    const sending = (async () => {
      while (!stop.signal.aborted) {
        const batch = [arrivalOf('gate'), arrivalOf('other')];
        await deliver(worker, batch);
        sent.push(...batch);
      }
    })();
    await vi.waitFor(() => expect(sent.length).toBeGreaterThan(20), WAIT);
    await cluster.lose(0);
    const count = sent.length;
    await vi.waitFor(() => expect(sent.length).toBeGreaterThan(count + 50), WAIT);
    stop.abort();
    await sending;
    const all = [...before, ...sent];
    const items = await take(worker, all.length);
    expect([...new Set(digests(items))]).toEqual(digests(all));
    await settle(worker, items);
    await waits(worker, 0);
  });
});
