import { beforeEach, describe, expect, it } from 'vitest';
import { type AuditVerdict, type ChosenAnswer, VERDICT_KEPT_MS } from '../store/challenges.ts';
import type { Store } from '../store/store.ts';

const NOW = 1_800_000_000_000;
const DAY_MS = 86_400_000;

/** What every store must do with answers that gateways are asked to open. @param store the one of this test, empty */
export function describeChallenges(store: () => Store): void {
  describe('challenges', () => {
    beforeEach(async () => {
      for (const name of ['gate', 'other'])
        await store().gateways.add({
          ...{ name, signingKey: 'PEM', certificateSerial: name, certificateEndMs: 9, enrolledMs: 5 },
        });
    });
    const answer = (sequence: number, changes: Partial<ChosenAnswer> = {}): ChosenAnswer => ({
      ...{ gateway: 'gate', camera: 'door', session: 1, sequence, digest: `${sequence}`.padStart(64, 'a') },
      ...{ frameTimeMs: NOW - 1500.25, bundle: 'b'.repeat(64), receivedMs: NOW, dueMs: NOW + 1000 },
      ...changes,
    });
    const choose = async (sequence: number, changes: Partial<ChosenAnswer> = {}) => {
      await store().challenges.choose(answer(sequence, changes));
      return (await store().challenges.due(Number.MAX_SAFE_INTEGER)).find(
        (one) => one.sequence === sequence,
      )!;
    };
    const settle = async (id: number, verdict: AuditVerdict, timeMs = NOW) =>
      store().transaction(async ({ challenges }) =>
        challenges.settle((await challenges.get(id))!, verdict, timeMs),
      );

    it('takes each answer once, as it is, and gives it out when its time has come', async () => {
      const { challenges } = store();
      const chosen = answer(3, { regions: ['left', 'right'] });
      expect(await challenges.choose(chosen)).toBe(true);
      expect(await challenges.choose(chosen)).toBe(false);
      expect(await challenges.choose(answer(3, { digest: 'c'.repeat(64) }))).toBe(true);
      expect(await challenges.due(NOW + 999)).toEqual([]);
      const [first, second] = await challenges.due(NOW + 1000);
      expect(first).toEqual({
        ...{ ...chosen, id: expect.any(Number), message: null, askedMs: null },
        ...{ opening: null, undone: 0, verdict: null },
      });
      expect(second).not.toHaveProperty('regions');
      await store().gateways.remove('gate', NOW);
      expect(await challenges.due(NOW + 1000)).toEqual([]);
      expect(await challenges.waiting('gate')).toBeNull();
    });

    it('goes from question to opening to verdict, each once', async () => {
      const { challenges } = store();
      const [a, b] = [await choose(1), await choose(2)];
      await challenges.ask([a.id, b.id], 'm1');
      await challenges.ask([b.id], 'm2');
      expect(await challenges.due(Number.MAX_SAFE_INTEGER)).toEqual([]);
      await challenges.sent('gate', 'm1', NOW + 2);
      await challenges.sent('gate', 'm1', NOW + 3);
      expect((await challenges.asked()).map(({ id, message, askedMs }) => [id, message, askedMs])).toEqual(
        [a, b].map(({ id }) => [id, 'm1', NOW + 2]),
      );
      expect(await challenges.open(a.id, Uint8Array.of(1, 2))).toBe(true);
      expect(await challenges.open(a.id, Uint8Array.of(3))).toBe(false);
      expect((await challenges.asked()).map(({ id }) => id)).toEqual([b.id]);
      await challenges.noteUndone(a.id);
      const [opened] = await challenges.opened(5);
      expect([...opened!.opening!]).toEqual([1, 2]);
      expect(opened!.undone).toBe(1);
      expect(await challenges.counts()).toEqual([
        { gateway: 'gate', equal: 0, unequal: 0, missing: 0, lastEqualMs: null, waiting: 2, undone: 1 },
      ]);
      expect(await settle(a.id, 'equal', NOW + 9)).toEqual({ missingInARow: 0 });
      expect(await settle(a.id, 'unequal')).toBeNull();
      expect(await challenges.open(a.id, Uint8Array.of(4))).toBe(false);
      expect(await challenges.get(a.id)).toMatchObject({ opening: null, verdict: 'equal' });
      expect(await challenges.ofMessage('gate', 'm1')).toHaveLength(2);
      expect(await challenges.counts()).toEqual([
        { gateway: 'gate', equal: 1, unequal: 0, missing: 0, lastEqualMs: NOW + 9, waiting: 1, undone: 0 },
      ]);
      expect(await settle(b.id, 'unequal')).toEqual({ missingInARow: 0 });
      expect(await challenges.waiting('gate')).toBeNull();
    });

    it('says since when and how far ahead of its verdicts a gateway is', async () => {
      const { challenges } = store();
      await challenges.noteDecrypted('gate');
      await choose(1, { receivedMs: NOW + 5 });
      await choose(1, { gateway: 'other', receivedMs: NOW - 5 });
      expect(await challenges.waiting('gate')).toEqual({ count: 1, sinceMs: NOW + 5, ahead: 0 });
      for (let i = 0; i < 3; i++) await challenges.noteDecrypted('gate');
      const second = await choose(2, { receivedMs: NOW + 7 });
      await challenges.noteDecrypted('gate');
      expect(await challenges.waiting('gate')).toEqual({ count: 2, sinceMs: NOW + 5, ahead: 4 });
      await settle((await challenges.due(Number.MAX_SAFE_INTEGER))[0]!.id, 'equal');
      expect(await challenges.waiting('gate')).toEqual({ count: 1, sinceMs: NOW + 7, ahead: 1 });
      await settle(second.id, 'equal');
      expect(await challenges.waiting('gate')).toBeNull();
      expect(await challenges.waiting('other')).toEqual({ count: 1, sinceMs: NOW - 5, ahead: 0 });
    });

    it('counts messages in a row with answers missing, and what is missing of each', async () => {
      const { challenges } = store();
      const ask = async (message: string, ...sequences: number[]) => {
        const rows = await Promise.all(sequences.map((sequence) => choose(sequence)));
        await challenges.ask(
          rows.map(({ id }) => id),
          message,
        );
        return rows.map(({ id }) => id);
      };
      const [a, b] = await ask('m1', 1, 2);
      const [c, d] = await ask('m2', 3, 4);
      const [e] = await ask('m3', 5);
      expect(await settle(a!, 'missing', NOW)).toEqual({ missingInARow: 1 });
      expect(await settle(b!, 'missing', NOW)).toEqual({ missingInARow: 1 });
      expect(await settle(c!, 'missing', NOW + 1)).toEqual({ missingInARow: 2 });
      expect(await settle(d!, 'equal'), 'a message with one missing does not count as answered').toEqual({
        missingInARow: 2,
      });
      expect(await settle(e!, 'equal')).toEqual({ missingInARow: 0 });
      expect((await challenges.missingOfMessages('gate', NOW)).sort()).toEqual([1, 2]);
      expect(await challenges.missingOfMessages('gate', NOW + 1)).toEqual([1]);
      await challenges.startAnew('gate', NOW);
      expect(await challenges.missingOfMessages('gate', 0)).toEqual([1]);
      expect(await challenges.missingOfMessages('other', 0)).toEqual([]);
    });

    it('keeps equal ones for a day, others for a month, and what was not answered until its gateway is removed', async () => {
      const { challenges, gateways } = store();
      const ids = [];
      for (const sequence of [1, 2, 3]) ids.push((await choose(sequence)).id);
      await settle(ids[0]!, 'equal');
      await settle(ids[1]!, 'missing');
      expect(await challenges.prune(NOW + DAY_MS)).toBe(0);
      expect(await challenges.prune(NOW + DAY_MS + 1)).toBe(1);
      expect(await challenges.prune(NOW + VERDICT_KEPT_MS)).toBe(0);
      expect(await challenges.prune(NOW + VERDICT_KEPT_MS + 1)).toBe(1);
      expect(await challenges.counts()).toMatchObject([{ equal: 1, missing: 1, waiting: 1 }]);
      await gateways.remove('gate', NOW);
      expect(await challenges.counts()).toEqual([]);
    });
  });
}
