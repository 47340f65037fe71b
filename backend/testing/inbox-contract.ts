import { expect, it } from 'vitest';
import type { Arrival, InboxItem, Passed } from '../store/inbox.ts';
import type { Store } from '../store/store.ts';

const ROOM = { items: 999, bytes: 1e6, siteBytes: 1e9 };

const arrival = (gateway: string, digest: string): Arrival => ({
  gateway,
  digest,
  camera: 'door',
  receivedMs: 1,
  envelope: Uint8Array.of(1, 2, 3),
});

const named = ({ gateway, digest }: Pick<InboxItem, 'gateway' | 'digest'>): string => `${gateway}${digest}`;

/** What is stored, taken and removed many at a time is what it would be one after the other. */
export function describeInbox(at: () => { readonly store: Store }): void {
  it('stores envelopes together as one after the other: each once, and up to every bound', async () => {
    const { inbox } = at().store;
    await inbox.add(arrival('b', '1'), ROOM);
    const bound = { items: 2, bytes: 99, siteBytes: 14 };
    const sent = ['b1', 'b2', 'a1', 'a1', 'b3', 'a2', 'c1', 'b2'];
    const outcomes = await inbox.addAll(
      sent.map((name) => arrival(name[0]!, name[1]!)),
      bound,
    );
    expect(outcomes).toEqual([
      'present',
      'stored',
      'stored',
      'present',
      'full',
      'stored',
      'site-full',
      'present',
    ]);
    expect(await inbox.count()).toBe(4);
    expect(await inbox.siteBytes()).toBe(12);
    expect(await inbox.addAll([arrival('a', '3'), arrival('a', '1')], ROOM)).toEqual(['stored', 'present']);
    expect(await inbox.addAll([], ROOM)).toEqual([]);
    expect(await inbox.addAll([arrival('d', '1')], ROOM, { siteBytes: 1e9 })).toEqual(['site-full']);
  });

  it('takes many in the order in which it would take them one by one', async () => {
    const { inbox } = at().store;
    const names = Array.from({ length: 150 }, (_, i) => `gate-${String(i).padStart(3, '0')}`);
    const some = names.filter((_, i) => i % 40 === 0);
    await inbox.addAll(
      [...names, ...some, ...some].map((name, i) => arrival(name, String(i))),
      ROOM,
    );
    for (const turn of ['', 'gate-077', 'gate-149', 'zz']) {
      const one = new Map<string, Passed>();
      const alone: InboxItem[] = [];
      for (let from = turn; ; from = alone.at(-1)!.gateway) {
        const item = await inbox.next(from, one);
        if (item === null) break;
        alone.push(item);
      }
      const seen = new Map<string, Passed>();
      const first = await inbox.take(turn, seen, { items: 130, ofOne: 9 });
      const rest = await inbox.take(first.at(-1)!.gateway, seen, { items: 999, ofOne: 9 });
      expect(alone).toHaveLength(158);
      expect([...first, ...rest].map(named)).toEqual(alone.map(named));
      expect(seen).toEqual(one);
      expect(await inbox.take(turn, seen, { items: 9, ofOne: 9 })).toEqual([]);
    }
    const few = await inbox.take('', new Map(), { items: 999, ofOne: 2 });
    expect(few).toHaveLength(150 + some.length);
    expect([...few[0]!.envelope]).toEqual([1, 2, 3]);
  });

  it('lets many write and remove the same at the same time', { timeout: 60_000 }, async () => {
    const { inbox } = at().store;
    const gateways = Array.from({ length: 12 }, (_, i) => `gate-${i}`);
    const batch = gateways.flatMap((gateway) => ['1', '2', '3'].map((digest) => arrival(gateway, digest)));
    for (let round = 0; round < 8; round++) {
      const kept = await Promise.all(
        [batch, batch.toReversed(), batch.slice(10), batch.toReversed().slice(7)].map((one) =>
          inbox.addAll(one, ROOM),
        ),
      );
      expect(kept.flat().filter((outcome) => outcome === 'stored')).toHaveLength(batch.length);
      const items = await inbox.take('', new Map(), { items: 99, ofOne: 9 });
      expect(items).toHaveLength(batch.length);
      const ids = items.map(({ id }) => id);
      await Promise.all([
        inbox.remove(ids.slice(0, 20)),
        inbox.remove(ids.slice(20).reverse()),
        inbox.addAll(batch.toReversed(), { ...ROOM, items: 0 }),
        inbox.beginAttempts([]),
      ]);
      expect(await inbox.count()).toBe(0);
      expect(await inbox.siteBytes()).toBe(0);
    }
  });
}
