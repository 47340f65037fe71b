import { generateKeyPairSync } from 'node:crypto';
import { expect, it } from 'vitest';
import { encodeEnvelope } from '#protocol/envelope.ts';
import type { Passed } from '../store/inbox.ts';
import type { Store } from '../store/store.ts';
import { bareEnvelope } from './bare-envelope.ts';

/** What one gateway cannot take from the others: its turn, and its share of the journal. */
export function describeShares(at: () => { readonly store: Store }): void {
  it('gives each gateway its turn, and passes over what was seen', async () => {
    const { store } = at();
    const bound = { items: 99, bytes: 999, siteBytes: 9999 };
    const put = (gateway: string, digest: string) =>
      store.inbox.add({ gateway, digest, camera: 'door', receivedMs: 1, envelope: Uint8Array.of(1) }, bound);
    for (const digest of ['1', '2', '3']) await put('b', digest);
    await put('a', '1');
    await put('c', '1');
    await put('c', '2');
    const seen = new Map<string, Passed>();
    const turns: string[] = [];
    let turn = '';
    for (;;) {
      const item = await store.inbox.next(turn, seen);
      if (item === null) break;
      turn = item.gateway;
      turns.push(`${item.gateway}${item.digest}`);
    }
    expect(turns).toEqual(['a1', 'b1', 'c1', 'b2', 'c2', 'b3']);
    expect((await store.inbox.next('b', new Map()))?.gateway).toBe('c');
    expect((await store.inbox.next('c', new Map()))?.gateway).toBe('a');
    expect(await store.inbox.next('zz', seen)).toBeNull();
  });

  it('takes current answers of a gateway before those that waited, which go on beside them', async () => {
    const { store } = at();
    const { privateKey } = generateKeyPairSync('ed25519');
    const sample = { ...bareEnvelope('site', 1), bundle: 'ab'.repeat(32), ciphertext: Uint8Array.of(1) };
    const bound = { items: 99, bytes: 1e6, siteBytes: 1e6 };
    const put = (digest: string, historical: boolean) => {
      const envelope = encodeEnvelope({ ...sample, historical }, privateKey);
      return store.inbox.add({ gateway: 'a', digest, camera: 'door', receivedMs: 1, envelope }, bound);
    };
    for (const digest of ['l1', 'l2', 'l3']) await put(digest, true);
    for (const digest of ['c1', 'c2', 'c3', 'c4', 'c5']) await put(digest, false);
    const seen = new Map<string, Passed>();
    const order: string[] = [];
    for (let i = 0; i < 6; i++) order.push((await store.inbox.next('', seen))!.digest);
    expect(order).toEqual(['c1', 'c2', 'c3', 'l1', 'c4', 'c5']);
    await put('c6', false);
    expect((await store.inbox.next('', seen))!.digest).toBe('c6');
    expect((await store.inbox.next('', seen))!.digest).toBe('l2');
    expect((await store.inbox.next('', seen))!.digest).toBe('l3');
    expect(await store.inbox.next('', seen)).toBeNull();
  });

  it('lets what a gateway brings about displace entries of its own only', async () => {
    const { store } = at();
    const entry = { timeMs: 1, level: 'warn', subject: 'gate', message: 'm' } as const;
    await store.journal.add({ ...entry, code: 'MODEL_PROTECTED' });
    await store.journal.addReported('other', { time: '', level: 'info', code: 'HELLO', message: 'hi' }, 1);
    await store.transaction(async (inside) => {
      for (let count = 0; count < 1100; count++) {
        await inside.journal.addReported(
          'gate',
          { time: '', level: 'error', code: 'GATEWAY_QUARANTINED', message: `${count}` },
          count,
        );
        if (count % 10 === 0) await inside.journal.add({ ...entry, code: 'REFUSED_MODEL', because: 'gate' });
      }
    });
    const all = await store.journal.latest(5000);
    expect(all).toHaveLength(1002);
    expect(all.at(-1)?.code).toBe('MODEL_PROTECTED');
    expect(all.at(-2)).toMatchObject({
      code: 'GATEWAY_SAYS',
      said: { gateway: 'other', code: 'HELLO' },
      message: 'gateway other says: hi',
    });
    expect(all[0]).toMatchObject({
      code: 'GATEWAY_SAYS',
      said: { gateway: 'gate', code: 'GATEWAY_QUARANTINED' },
      message: 'gateway gate says: 1099',
    });
    // Nothing that a gateway says has a code of ours.
    expect(all.map(({ code }) => code)).not.toContain('GATEWAY_QUARANTINED');
    const own = await store.journal.latest(5000, false);
    expect(new Set(own.map(({ code }) => code))).toEqual(new Set(['REFUSED_MODEL', 'MODEL_PROTECTED']));
  });

  it('adds counters up and lists the journal newest first', async () => {
    const { store } = at();
    await store.counters.add('gaps', 3);
    await store.counters.add('gaps');
    expect(await store.counters.all()).toEqual({ gaps: 4 });
    for (const code of ['MODEL_PROTECTED', 'MODEL_RELEASED'] as const) {
      await store.journal.add({ timeMs: 0, level: 'warn', code, subject: 'gate', message: 'm' });
    }
    expect((await store.journal.latest(5)).map((entry) => entry.code)).toEqual([
      'MODEL_RELEASED',
      'MODEL_PROTECTED',
    ]);
    expect((await store.journal.latest(1))[0]?.time).toBe('1970-01-01T00:00:00.000Z');
  });
}
