import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Intake } from '#backend/decryption/intake.ts';
import { RefusalLog } from '#backend/decryption/refusal-log.ts';
import type { Kept, StreamQueue } from '#backend/queue/stream-queue.ts';
import type { Site } from '#backend/site.ts';
import type { Arrival, InboxItem, Passed } from '#backend/store/inbox.ts';
import { shardOf } from '#backend/store/shard-of.ts';
import type { Store } from '#backend/store/store.ts';
import { enrolTestGateway } from '#backend/testing/test-site.ts';
import { envelopeDigest } from '#protocol/envelope.ts';
import { systemClock } from '#runtime/clock.ts';
import { createLogger } from '#runtime/log.ts';

/** A process on a queue. */
export type QueueWorker = {
  readonly store: Store;
  readonly queue?: StreamQueue;
  /** Without a word, as by kill -9. */
  die(): Promise<void>;
};

/** A queue for one test, empty. */
export type QueueBench = {
  worker(): Promise<QueueWorker>;
  close(): Promise<void>;
};

/** Of one gateway, and of all, in the queues that are tested. */
export const QUEUE_BOUND = { items: 100, bytes: 2 ** 18, siteBytes: 2 ** 20 };

const WAIT = { timeout: 60_000, interval: 50 };
const PACKET = { retain: false, dup: false, qos: 1 } as const;
const HELD = { items: 100, bytes: 2 ** 20, siteBytes: 2 ** 20 };
const log = createLogger({ name: 'test', level: 'error', format: 'json', destination: { write: () => {} } });

/** As by gateways, which send again what failed: a busy server may not confirm in time what it keeps, and three of them may choose a leader anew. */
export async function keepAsGateways(
  queue: StreamQueue,
  batch: readonly Arrival[],
): Promise<readonly Kept[]> {
  const outcomes = new Map<Arrival, Kept>();
  const owing = () => batch.filter((arrival) => (outcomes.get(arrival) ?? 'failed') === 'failed');
  await vi.waitFor(async () => {
    const sent = owing();
    const kept = await queue.keep(sent);
    for (const [i, arrival] of sent.entries()) outcomes.set(arrival, kept[i]!);
    expect(owing()).toEqual([]);
  }, WAIT);
  return batch.map((arrival) => outcomes.get(arrival)!);
}

/** What must hold of envelopes until they are settled, wherever they wait. */
export function describeQueue(name: string, make: () => Promise<QueueBench>): void {
  describe(`the queue in ${name}`, () => {
    let bench: QueueBench;
    let receiver: QueueWorker;
    let intake: Intake;
    /** Of what was taken, the first time and again. */
    let kept: string[];
    /** Receipts of what is not settled, and not in the database. */
    let early: string[];
    beforeEach(async () => {
      bench = await make();
      receiver = await bench.worker();
      intake = makeIntake(receiver);
      kept = [];
      early = [];
    });
    afterEach(async () => {
      await bench.close();
      expect(early).toEqual([]);
    });

    function makeIntake({ store, queue }: QueueWorker): Intake {
      const add = (gateway: string, digest: string) => kept.push(`${gateway} ${digest}`);
      const keep: StreamQueue['keep'] = async (batch) => {
        const outcomes = await keepAsGateways(queue!, batch);
        for (const [i, { gateway, digest }] of batch.entries())
          if (outcomes[i] === 'stored' || outcomes[i] === 'present') add(gateway, digest);
        return outcomes;
      };
      const outside = queue !== undefined;
      return new Intake({
        ...{ store, clock: systemClock, log, onStored: () => {} },
        receipts: {
          add: (gateway, digest) => (outside ? early.push(digest) : add(gateway, digest)),
        },
        refusals: new RefusalLog(store, systemClock, log),
        bound: QUEUE_BOUND,
        ...(outside && { queue: { keep } }),
      });
    }

    const receive = (gateway: string, envelope: Uint8Array) =>
      intake.receive(`blindsight/v1/yard/${gateway}/camera/door/inference`, envelope, PACKET);

    async function send(gateway: string, ...envelopes: readonly Uint8Array[]): Promise<void> {
      for (const envelope of envelopes) receive(gateway, envelope);
      await intake.idle();
    }

    const nameOf = (gateway: string, envelope: Uint8Array) => `${gateway} ${envelopeDigest(envelope)}`;
    const body = (length = 100) => new Uint8Array(randomBytes(length));

    /** Takes so many, in turns. */
    async function take(
      { store }: QueueWorker,
      count: number,
      shards: readonly number[] | null = null,
      seen = new Map<string, Passed>(),
    ): Promise<InboxItem[]> {
      const items: InboxItem[] = [];
      await vi.waitFor(
        async () => {
          const item = await store.inbox.next(items.at(-1)?.gateway ?? '', seen, shards);
          if (item !== null) items.push(item);
          expect(items.length).toBe(count);
        },
        { ...WAIT, interval: 1 },
      );
      return items;
    }

    const settle = ({ store }: QueueWorker, items: readonly InboxItem[]) =>
      store.settling(async (inside) => {
        for (const { id } of items) await inside.inbox.remove([id]);
        await inside.counters.add('accepted', items.length);
      });

    const left = ({ store }: QueueWorker, count: number) =>
      vi.waitFor(async () => expect(await store.inbox.count()).toBe(count), WAIT);

    /** Whoever takes hears of what was kept a moment later than whoever kept it. */
    const known = ({ store }: QueueWorker, count: number) =>
      vi.waitFor(async () => expect(await store.inbox.marks(0, 10_000)).toHaveLength(count), WAIT);

    it('gives out what it took, each gateway’s in its order, and nothing twice', async () => {
      const worker = await bench.worker();
      const envelopes = Array.from({ length: 60 }, (_, i) => body(100 + i));
      await send('gate', ...envelopes);
      expect(kept).toEqual(envelopes.map((envelope) => nameOf('gate', envelope)));
      const items = await take(worker, 60);
      expect(items.map(({ digest }) => digest)).toEqual(envelopes.map(envelopeDigest));
      expect(items.map(({ envelope }) => envelopeDigest(envelope))).toEqual(envelopes.map(envelopeDigest));
      expect(items[0]).toMatchObject({ gateway: 'gate', camera: 'door', attempts: 0 });
      await settle(worker, items);
      await left(worker, 0);
      expect(await worker.store.inbox.next('', new Map())).toBeNull();
    });

    it('lets a gateway know what is in the database, and nothing else', async () => {
      const worker = await bench.worker();
      const { store, queue } = worker;
      const envelopes = [body(), body(), body()];
      await send('gate', ...envelopes);
      const items = await take(worker, 3);
      const failed = store.settling(async (inside) => {
        await inside.inbox.remove(items.map(({ id }) => id));
        throw new Error('the store is ill');
      });
      await expect(failed).rejects.toThrow('ill');
      expect(await store.dueReceipts.take(10)).toEqual([]);
      await settle(worker, items.slice(0, 2));
      // What waits in the database has its receipt since then.
      const settled = items
        .slice(0, 2)
        .map(({ gateway, digest, receivedMs }) => ({ gateway, digest, receivedMs }));
      const due = await store.dueReceipts.take(10);
      expect(new Set(due)).toEqual(new Set(queue === undefined ? [] : settled));
      expect(await store.dueReceipts.take(10)).toEqual([]);
      await left(worker, 1);
    });

    it('takes again what was settled, because its receipt may be lost', async () => {
      const worker = await bench.worker();
      const { store, queue } = worker;
      const envelope = body();
      for (let i = 0; i < 3; i++) {
        await send('gate', envelope);
        await settle(worker, await take(worker, 1));
        await queue?.idle();
        await left(worker, 0);
        expect(await store.dueReceipts.take(10)).toHaveLength(queue === undefined ? 0 : 1);
      }
      expect(kept).toHaveLength(3);
    });

    it('keeps what a transaction did not settle', async () => {
      const worker = await bench.worker();
      await send('gate', body());
      const items = await take(worker, 1);
      const failed = worker.store.settling(async (inside) => {
        await inside.inbox.remove([items[0]!.id]);
        // As settle does: a transaction in the transaction.
        await inside.transaction((deep) => deep.inbox.remove([items[0]!.id]));
        throw new Error('the store is ill');
      });
      await expect(failed).rejects.toThrow('ill');
      await left(worker, 1);
      expect(await take(worker, 1)).toEqual(items);
    });

    it('gives everything that a dead worker had to the next one, with the attempts that it began', async () => {
      const [first, second] = [await bench.worker(), await bench.worker()];
      const envelopes = Array.from({ length: 20 }, () => body());
      await send('gate', ...envelopes);
      const items = await take(first, 20);
      await first.store.transaction(async (inside) => {
        for (const { id } of items.slice(0, 5)) await inside.inbox.beginAttempts([id]);
      });
      await first.store
        .transaction(async (inside) => {
          for (const { id } of items.slice(5, 8)) await inside.inbox.beginAttempts([id]);
          throw new Error('the store is ill');
        })
        .catch(() => {});
      await settle(first, items.slice(0, 2));
      await left(second, 18);
      await first.die();
      const again = await take(second, 18);
      expect(again.map(({ digest }) => digest)).toEqual(envelopes.slice(2).map(envelopeDigest));
      expect(again.map(({ attempts }) => attempts)).toEqual(again.map((_, i) => (i < 3 ? 1 : 0)));
      await second.store.transaction((inside) => inside.inbox.beginAttempts([again[0]!.id]));
      expect((await take(second, 1))[0]!.attempts).toBe(2);
      await settle(second, again);
      await left(second, 0);
      expect(await second.store.counters.all()).toMatchObject({ accepted: 20 });
    });

    it('takes the same bytes once while they wait', async () => {
      const worker = await bench.worker();
      const envelope = body();
      await send('gate', envelope);
      await send('gate', envelope, envelope);
      await send('other', envelope);
      expect(kept).toHaveLength(4);
      await known(worker, 2);
      expect((await take(worker, 2)).map(({ gateway }) => gateway)).toEqual(['gate', 'other']);
      await left(worker, 2);
    });

    it('gives turns to the others, and takes theirs, while a gateway floods', async () => {
      const worker = await bench.worker();
      for (let count = 0; count < 2_000; count++) receive('liar', body(50));
      const honest = Array.from({ length: 5 }, () => body());
      for (const envelope of honest) receive('gate', envelope);
      await intake.idle();
      for (const envelope of honest) expect(kept).toContain(nameOf('gate', envelope));
      await known(worker, new Set(kept).size);
      const turns = (await take(worker, 20)).map(({ gateway }) => gateway);
      expect(turns.filter((gateway) => gateway === 'gate')).toHaveLength(5);
      expect(turns.slice(0, 10).filter((gateway) => gateway === 'gate')).toHaveLength(5);
    });

    it('takes no more of a gateway than its bound, and goes on when there is room', async () => {
      const worker = await bench.worker();
      const envelopes = Array.from({ length: QUEUE_BOUND.items }, () => body());
      for (let from = 0; from < envelopes.length; from += 20)
        await send('gate', ...envelopes.slice(from, from + 20));
      expect(kept).toHaveLength(QUEUE_BOUND.items);
      const more = body();
      await send('gate', more);
      expect(kept).toHaveLength(QUEUE_BOUND.items);
      await send('other', body());
      expect(kept).toHaveLength(QUEUE_BOUND.items + 1);
      expect(await worker.store.counters.all()).toEqual({ 'refused.inbox-full': 1 });
      const items = await take(worker, 10);
      await settle(worker, items);
      await left(worker, QUEUE_BOUND.items + 1 - 10);
      // Refused before, it must not count as known now.
      await send('gate', more);
      expect(kept).toContain(nameOf('gate', more));
      await left(worker, QUEUE_BOUND.items + 2 - 10);
    });

    it('takes no more bytes of a gateway than its bound, so that none has the room of all', async () => {
      const worker = await bench.worker();
      const envelopes = Array.from({ length: 12 }, () => body(50_000));
      await send('gate', ...envelopes);
      expect(kept).toHaveLength(5);
      expect(await worker.store.counters.all()).toEqual({ 'refused.inbox-full': 7 });
      for (let i = 0; i < 3; i++) await send(`gate-${i}`, body(200_000));
      expect(kept).toHaveLength(8);
      await settle(worker, (await take(worker, 8)).filter(({ gateway }) => gateway === 'gate').slice(0, 3));
      await left(worker, 5);
      const owed = envelopes.filter((envelope) => !kept.includes(nameOf('gate', envelope)));
      await vi.waitFor(async () => {
        await send('gate', owed[0]!);
        expect(kept).toContain(nameOf('gate', owed[0]!));
      }, WAIT);
    });

    it('takes no more of all gateways than their bound, and says so', async () => {
      const worker = await bench.worker();
      const large = () => body(200_000);
      for (let i = 0; i < 5; i++) await send(`gate-${i}`, large());
      expect(kept).toHaveLength(5);
      const more = large();
      await send('gate-5', more);
      expect(kept).toHaveLength(5);
      expect(await worker.store.counters.all()).toEqual({ 'refused.site-full': 1 });
      await settle(worker, await take(worker, 2));
      await left(worker, 3);
      await send('gate-5', more);
      expect(kept).toContain(nameOf('gate-5', more));
    });

    it('brings back what was held, within a moment of its arrival, with its attempts', async () => {
      const worker = await bench.worker();
      const { store } = worker;
      await enrolTestGateway({ store } as Site, 'gate');
      await send('gate', body());
      const [item] = await take(worker, 1);
      await store.transaction((inside) => inside.inbox.beginAttempts([item!.id]));
      const [begun] = await take(worker, 1);
      await store.transaction(async (inside) => {
        await inside.inbox.remove([begun!.id]);
        await inside.held.add(begun!, HELD);
      });
      await left(worker, 0);
      expect(await store.held.takeBack(10, 200)).toBe(1);
      const seen = new Map<string, Passed>();
      const [back] = await take(worker, 1, null, seen);
      expect(back).toMatchObject({ digest: item!.digest, attempts: 1, receivedMs: item!.receivedMs });
      await settle(worker, [back!]);
      await left(worker, 0);
    });

    it('divides gateways among workers, and hands over what waits of them', async () => {
      const [first, second] = [await bench.worker(), await bench.worker()];
      const gateways = Array.from({ length: 12 }, (_, i) => `gate-${i}`);
      const own = [...new Set(gateways.slice(0, 6).map(shardOf))];
      const rest = [...new Set(gateways.map(shardOf))].filter((shard) => !own.includes(shard));
      const of = (shards: readonly number[]) =>
        gateways.filter((gateway) => shards.includes(shardOf(gateway)));
      const names = (items: readonly InboxItem[]) => items.map(({ gateway }) => gateway).sort();
      for (const gateway of gateways) await send(gateway, body());
      expect(names(await take(first, of(own).length, own))).toEqual(of(own).toSorted());
      expect(names(await take(second, of(rest).length, rest))).toEqual(of(rest).toSorted());
      await first.die();
      const all = [...rest, ...own];
      expect(names(await take(second, gateways.length, all))).toEqual(gateways.toSorted());
      for (const gateway of gateways) await send(gateway, body());
      await left(second, 24);
      // Fewer again: of the others nothing is given out.
      expect(names(await take(second, 2 * of(rest).length, rest))).toEqual(
        [...of(rest), ...of(rest)].toSorted(),
      );
      expect((await second.store.inbox.marks(0, 100, rest)).length).toBe(2 * of(rest).length);
    });
  });
}
