import { describe, expect, it, vi } from 'vitest';
import { systemClock } from '#runtime/clock.ts';
import { createLogger } from '#runtime/log.ts';
import { GatewayShards } from '../roles/gateway-shards.ts';
import { RoleLeases } from '../roles/role-leases.ts';
import { SHARDS, shardOf } from '../store/shard-of.ts';
import type { Store } from '../store/store.ts';

const log = createLogger({ name: 'test', level: 'error', format: 'json', destination: { write: () => {} } });
const LONG_MS = 3_600_000;
const BOUND = { items: 10, bytes: 10_000, siteBytes: 10_000 };

/** What every store must do for several processes that share the work. @param store the one of this test, empty */
export function describeRoles(store: () => Store): void {
  describe('several processes', () => {
    const make = (holder: string) => new GatewayShards({ store: store(), holder, clock: systemClock, log });

    it('have a lease one at a time, until its holder lets it run out', async () => {
      const { leases } = store();
      await leases.make(['role/api', 'role/api']);
      expect(await leases.take('role/api', 'one', LONG_MS)).toBe(true);
      expect(await leases.take('role/api', 'two', LONG_MS)).toBe(false);
      expect(await leases.take('role/api', 'one', 0)).toBe(true);
      expect(await leases.take('role/api', 'two', LONG_MS)).toBe(true);
      expect(await leases.renew('one', LONG_MS)).toEqual([]);
      await leases.release('role/api', 'one');
      expect(await leases.taken('role/')).toEqual(['role/api']);
      await leases.release('role/api', 'two');
      expect(await leases.taken('role/')).toEqual([]);
    });

    it('have parts as long as the lease of their holder lasts', async () => {
      const { leases } = store();
      await leases.make(['shard/00', 'decryptor/one']);
      await leases.take('decryptor/one', 'one', LONG_MS);
      expect(await leases.claim('shard/00', 'one', 'decryptor/')).toBe(true);
      expect(await leases.claim('shard/00', 'two', 'decryptor/')).toBe(false);
      expect(await leases.unclaimed('shard/', 'decryptor/')).toEqual([]);
      await leases.take('decryptor/one', 'one', 0);
      expect(await leases.unclaimed('shard/', 'decryptor/')).toEqual(['shard/00']);
      expect(await leases.claim('shard/00', 'two', 'decryptor/')).toBe(true);
      expect(await leases.confirm('one', ['shard/00'])).toEqual([]);
      expect(await leases.confirm('two', ['shard/00'])).toEqual(['shard/00']);
    });

    it('divide the gateways evenly, and one that was taken for dead writes nothing about what it lost', async () => {
      const [one, two] = [make('one'), make('two')];
      expect(await one.balance()).toBe(true);
      expect(one.mine).toHaveLength(SHARDS);
      // Nothing is free: it only says that it lives.
      expect(await two.balance()).toBe(false);
      expect(await one.balance()).toBe(false);
      expect(one.mine).toHaveLength(SHARDS / 2);
      expect(await two.balance()).toBe(true);
      expect([...one.mine, ...two.mine].sort((a, b) => a - b)).toEqual(
        Array.from({ length: SHARDS }, (_, shard) => shard),
      );
      const names = Array.from({ length: 200 }, (_, i) => `gate-${i}`);
      const ofOne = names.filter((name) => one.mine.includes(shardOf(name)));
      expect(ofOne.length).toBeGreaterThan(50);
      const settle = (names: readonly string[]) =>
        store().settling(async (inside) => {
          await one.confirm(inside, names);
          await inside.counters.add('accepted', names.length);
        });
      await settle(ofOne);
      await expect(settle(names)).rejects.toMatchObject({ code: 'GATEWAYS_TAKEN_OVER' });
      // It does not know it yet.
      await store().leases.take('decryptor/one', 'one', 0);
      expect(await two.balance()).toBe(true);
      expect(two.mine).toHaveLength(SHARDS);
      expect(one.mine).toHaveLength(SHARDS / 2);
      await expect(settle(ofOne)).rejects.toMatchObject({ code: 'GATEWAYS_TAKEN_OVER' });
      expect(await store().counters.all()).toEqual({ accepted: ofOne.length });
      await two.leave();
      expect(await one.balance()).toBe(true);
      expect(one.mine).toHaveLength(SHARDS);
    });

    it('leave no part without work after trouble with the store in the middle', async () => {
      const one = make('one');
      const { leases, inbox } = store();
      const { claim } = leases;
      let claims = 0;
      const claiming = vi.spyOn(leases, 'claim').mockImplementation(async (...about) => {
        claims += 1;
        const isTaken = await claim.apply(leases, about);
        // It is durable, but the answer does not come.
        if (claims === 2) throw new Error('away');
        return isTaken;
      });
      await expect(one.balance()).rejects.toThrow('away');
      expect(one.mine).toEqual([]);
      claiming.mockRestore();
      const dividing = vi.spyOn(inbox, 'divide').mockRejectedValueOnce(new Error('away'));
      await expect(one.balance()).rejects.toThrow('away');
      expect(await one.balance()).toBe(true);
      expect(dividing).toHaveBeenCalledTimes(2);
      dividing.mockRestore();
      expect(one.mine).toHaveLength(SHARDS);
      expect(await one.balance()).toBe(false);
    });

    it('keep what they gain while they say that they live', async () => {
      const one = make('one');
      const { leases } = store();
      const { held } = leases;
      const [read, goesOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      const reading = vi.spyOn(leases, 'held').mockImplementationOnce(async (...about) => {
        const names = await held.apply(leases, about);
        read.resolve();
        await goesOn.promise;
        return names;
      });
      const stop = new AbortController();
      const running = one.run(stop.signal);
      await read.promise;
      await one.balance();
      goesOn.resolve();
      stop.abort();
      await running;
      reading.mockRestore();
      expect(one.mine).toHaveLength(SHARDS);
    });

    it('have all their roles or none', async () => {
      const stop = new AbortController();
      const { promise: aborted, resolve } = Promise.withResolvers<void>();
      stop.signal.addEventListener('abort', () => resolve());
      const clock = { ...systemClock, sleep: () => aborted };
      const { leases } = store();
      await leases.make(['role/auditor']);
      await leases.take('role/auditor', 'other', LONG_MS);
      const both = new RoleLeases({ leases, holder: 'both', roles: ['api', 'auditor'], clock, log });
      const standby = Promise.withResolvers<void>();
      const taking = both.take(stop.signal, standby.resolve);
      await standby.promise;
      expect(await leases.taken('role/')).toEqual(['role/auditor']);
      stop.abort();
      expect(await taking).toBe(false);
      await leases.release('role/auditor', 'other');
      expect(await both.take(new AbortController().signal, () => {})).toBe(true);
      expect(await leases.taken('role/')).toEqual(['role/api', 'role/auditor']);
    });

    it('read from the inbox what is theirs, and what waited before there were parts', async () => {
      const { inbox } = store();
      const names = ['gate-1', 'gate-2', 'gate-3', 'gate-4', 'gate-5'];
      for (const gateway of names)
        await inbox.add(
          { gateway, camera: 'door', digest: gateway, receivedMs: 1, envelope: Uint8Array.of(1) },
          BOUND,
        );
      const mine = [shardOf('gate-2'), shardOf('gate-4')];
      const seen = new Map();
      const read: string[] = [];
      for (
        let item = await inbox.next('', seen, mine);
        item !== null;
        item = await inbox.next(item.gateway, seen, mine)
      )
        read.push(item.gateway);
      expect(read.toSorted()).toEqual(names.filter((name) => mine.includes(shardOf(name))));
      expect(await inbox.marks(0, 10, mine)).toHaveLength(read.length);
      expect(await inbox.next('', new Map(), [])).toBeNull();
      await inbox.divide();
      expect(await inbox.marks(0, 10)).toHaveLength(names.length);
    });

    it('tell each other when a gateway was heard last', async () => {
      const { heard } = store();
      const last = async () => (await heard.within(3_600_000))[0]!;
      await heard.note([['gate', 9000]]);
      const first = await last();
      expect(first).toMatchObject({ gateway: 'gate' });
      expect(first.agoMs).toBeGreaterThanOrEqual(9000);
      await heard.note([['gate', 3_000_000]]);
      expect((await last()).heardMs).toBe(first.heardMs);
      await heard.note([
        ['other', 5_000_000],
        ['gate', 10],
      ]);
      expect((await last()).heardMs).toBeGreaterThan(first.heardMs);
      expect(await heard.within(3_600_000)).toHaveLength(1);
      await heard.note([]);
    });

    it('count and publish at the end of a settlement, or not at all', async () => {
      const { counters } = store();
      const add = async (inside: Store, fails: boolean) => {
        for (let i = 0; i < 3; i++) await inside.counters.add('accepted');
        await inside.transaction((within) => within.counters.add('gaps', 2));
        await inside.publications.add('gate', 1, 1);
        expect(await counters.all()).toEqual({});
        if (fails) throw new Error('no');
      };
      await expect(store().settling((inside) => add(inside, true))).rejects.toThrow('no');
      expect(await counters.all()).toEqual({});
      await store().settling((inside) => add(inside, false));
      expect(await counters.all()).toEqual({ accepted: 3, gaps: 2 });
      expect(await store().publications.after(0, 10)).toHaveLength(1);
    });
  });
}
