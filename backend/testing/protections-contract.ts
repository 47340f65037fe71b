import { describe, expect, it } from 'vitest';
import type { Database } from '../store/database.ts';
import { migrate } from '../store/migrations.ts';
import type { NewModel } from '../store/models.ts';
import { Store } from '../store/store.ts';

const MODEL: NewModel = {
  name: 'counter',
  version: 1,
  createdMs: 5,
  labels: ['empty', 'occupied'],
  ringDegree: 8192,
  logQP: 210.5,
  parts: [{ name: 'program', bytes: 12, sha256: 'a'.repeat(64) }],
  onnxSha256: 'b'.repeat(64),
  selfTest: { reference: 'c'.repeat(64) },
  answerBytes: 65_600,
  interpretation: {
    labels: ['empty', 'occupied'],
    expected: Int32Array.of(0, 1),
    unit: 1,
    range: 20,
    tolerance: 0.01,
  },
};
const FIRST = { model: 'counter', version: 1, number: 1 };
const SECOND = { ...FIRST, number: 2 };
const MATERIAL = {
  parts: [{ name: 'constants' as const, bytes: 3, sha256: 'd'.repeat(64) }],
  selfTest: { engine: 'e'.repeat(64) },
};

/**
 * What every store must do with the key sets of networks.
 *
 * @param store the one of this test, empty
 * @param open makes a fresh, empty database
 */
export function describeProtections(store: () => Store, open: () => Promise<Database>): void {
  describe('key sets', () => {
    it('come with the network, and belong to one gateway or to all who share them, for ever', async () => {
      const { models, protections } = store();
      await models.add(MODEL);
      const { parts, selfTest } = MODEL;
      const first = { ...FIRST, createdMs: 5, gateway: null, isShared: false, retirement: null };
      expect(await protections.get(FIRST)).toEqual({ ...first, parts, selfTest });
      expect(await protections.nextNumber('counter', 1)).toBe(2);
      expect(await protections.take(FIRST, 'one')).toBe(true);
      expect(await protections.take(FIRST, 'one')).toBe(true);
      expect(await protections.take(FIRST, 'two')).toBe(false);
      expect(await protections.share(FIRST)).toBe(false);
      await protections.add({ ...SECOND, createdMs: 6, gateway: null, ...MATERIAL });
      expect(await protections.share(SECOND)).toBe(true);
      expect(await protections.share(SECOND)).toBe(true);
      expect(await protections.take(SECOND, 'two')).toBe(false);
      const second = { ...SECOND, createdMs: 6, gateway: null, isShared: true, retirement: null };
      expect(await protections.of('counter', 1)).toEqual([
        { ...first, gateway: 'one', parts, selfTest },
        { ...second, ...MATERIAL },
      ]);
      expect(await protections.list()).toHaveLength(2);
      expect(await protections.of('counter', 2)).toEqual([]);
    });

    it('are one in use of each gateway and network; a retired one makes room for the next', async () => {
      const { models, protections } = store();
      await models.add(MODEL);
      const add = (number: number) =>
        protections.add({ ...FIRST, number, createdMs: 6, gateway: 'one', ...MATERIAL });
      await add(2);
      await expect(add(3)).rejects.toThrow();
      await expect(protections.take(FIRST, 'one')).rejects.toThrow();
      const retirement = { sinceMs: 7, refusedFromMs: 9, reason: 'stolen' };
      expect(await protections.setCleared(SECOND, 8)).toBe(false);
      expect(await protections.retire(SECOND, retirement)).toBe(true);
      expect(await protections.retire(SECOND, { ...retirement, sinceMs: 8 })).toBe(false);
      expect((await protections.get(SECOND))?.retirement).toEqual({ ...retirement, clearedMs: null });
      expect(await protections.retirement(SECOND)).toEqual({
        retirement: { ...retirement, clearedMs: null },
      });
      expect(await protections.retirement(FIRST)).toEqual({ retirement: null });
      expect(await protections.retirement({ ...FIRST, number: 9 })).toBeNull();
      expect(await protections.take(SECOND, 'one')).toBe(false);
      await add(3);
      expect(await protections.setCleared(SECOND, 10)).toBe(true);
      expect(await protections.setCleared(SECOND, 11)).toBe(false);
      expect((await protections.get(SECOND))?.retirement?.clearedMs).toBe(10);
    });

    it('gives what one gateway had to that one, and shares what several had', async () => {
      const database = await open();
      await migrate(database, 20);
      for (const version of [1, 2, 3]) {
        const insert = 'INSERT INTO models (name, version, created_ms, description) VALUES (?, ?, ?, ?)';
        const { parts, selfTest } = MODEL;
        await database.run(insert, 'counter', version, 5, JSON.stringify({ parts, selfTest }));
      }
      await database.run(
        `INSERT INTO gateways (name, signing_key, certificate_serial, enrolled_ms, counter, last_session, last_sequence)
         VALUES ('one', 'PEM', '01', 5, 2, 0, -1), ('two', 'PEM', '02', 5, 2, 0, -1)`,
      );
      const releases = [
        ['a', 'one', 1],
        ['b', 'two', 1],
        ['c', 'one', 2],
        ['d', 'one', 2],
      ] as const;
      for (const [counter, [digest, gateway, version]] of releases.entries())
        await database.run(
          `INSERT INTO deployments (digest, gateway, model, version, counter, manifest, status, created_ms, updated_ms)
           VALUES (?, ?, 'counter', ?, ?, ?, 'active', 1, 1)`,
          ...[digest, gateway, version, counter, Uint8Array.of(1)],
        );
      await migrate(database);
      const store = new Store(database);
      expect(await store.protections.list()).toMatchObject([
        { version: 1, number: 1, gateway: null, isShared: true, parts: MODEL.parts },
        { version: 2, number: 1, gateway: 'one', isShared: false },
        { version: 3, number: 1, gateway: null, isShared: false },
      ]);
      expect((await store.deployments.list()).map(({ protection }) => protection)).toEqual([1, 1, 1, 1]);
      await store.close();
    });
  });
}
