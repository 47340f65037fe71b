import { beforeEach, describe, expect, it } from 'vitest';
import type { Store } from '../store/store.ts';

/** What every store must do with commands to gateways. @param store the one of this test, empty */
export function describeCommands(store: () => Store): void {
  describe('commands to gateways', () => {
    beforeEach(async () => {
      for (const name of ['gate', 'other'])
        await store().gateways.add({
          ...{ name, signingKey: 'PEM', certificateSerial: name, certificateEndMs: 9, enrolledMs: 5 },
        });
    });
    const add = async (id: string, createdMs: number, gateway = 'gate') =>
      store().commands.add({
        ...{ id, gateway, type: 'logs', arguments: '{"lines":3}', author: 'ann' },
        ...{ wire: Uint8Array.of(7), createdMs, expiresMs: createdMs + 60_000 },
      });
    const bytes = Uint8Array.of(1, 2, 3);
    const answer = {
      status: 'done',
      code: null,
      message: 'here',
      content: { mediaType: 'x', bytes },
    } as const;

    it('keeps each with its first answer, newest first', async () => {
      const { commands } = store();
      const createdMs = 1_800_000_000_000;
      await add('a', createdMs);
      await add('b', createdMs + 1);
      await add('c', createdMs + 2, 'other');
      expect((await commands.pending()).map(({ id }) => id)).toEqual(['a', 'b', 'c']);
      expect(await commands.countPending('gate')).toBe(2);
      expect(await commands.get('gate', 'a')).toEqual({
        ...{ id: 'a', gateway: 'gate', type: 'logs', arguments: '{"lines":3}', author: 'ann' },
        ...{ wire: expect.anything(), createdMs, expiresMs: createdMs + 60_000, status: 'pending' },
        ...{ settledMs: null, code: null, message: null, content: null },
      });
      expect([...(await commands.get('gate', 'a'))!.wire]).toEqual([7]);
      expect(await commands.get('other', 'a')).toBeNull();
      expect(await commands.answer('other', 'a', answer, 9)).toBe(false);
      expect(await commands.answer('gate', 'a', answer, 9)).toBe(true);
      expect(await commands.answer('gate', 'a', { ...answer, message: 'again' }, 10)).toBe(false);
      expect(await commands.expire('a', 11)).toBe(false);
      expect(await commands.get('gate', 'a')).toMatchObject({
        ...{ status: 'done', settledMs: 9, message: 'here', content: { mediaType: 'x', bytes: 3 } },
      });
      expect([...(await commands.content('gate', 'a'))!]).toEqual([1, 2, 3]);
      expect(await commands.expire('b', 12)).toBe(true);
      expect(await commands.answer('gate', 'b', { ...answer, content: null }, 13)).toBe(true);
      expect(await commands.content('gate', 'b')).toBeNull();
      expect((await commands.list('gate')).map(({ id, status }) => [id, status])).toEqual([
        ['b', 'done'],
        ['a', 'done'],
      ]);
      await store().gateways.remove('other', 14);
      expect(await commands.pending()).toEqual([]);
    });

    it('keeps a hundred of each gateway, and none that waits is lost', async () => {
      const { commands } = store();
      await add('waits', 1);
      for (let i = 0; i < 105; i++) {
        await add(`n${i}`, 10 + i);
        await commands.expire(`n${i}`, 10 + i);
      }
      expect(await commands.get('gate', 'waits')).toMatchObject({ status: 'pending' });
      expect(await commands.get('gate', 'n0')).toBeNull();
      expect((await commands.list('gate')).length).toBe(100);
    });
  });
}
