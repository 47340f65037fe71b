import { beforeEach, describe, expect, it } from 'vitest';
import type { NewRollout, NewRolloutGateway } from '../store/rollouts.ts';
import type { Store } from '../store/store.ts';

const ROLLOUT: NewRollout = {
  kind: 'model',
  target: { name: 'counter', version: '2' },
  author: 'ann',
  keys: null,
  undoes: null,
  waves: 2,
  limitMs: 60_000,
  maxFailures: 1,
  createdMs: 1_700_000_000_000,
  deadlineMs: 1_700_000_900_000,
};
const STOPPED = { code: 'ROLLOUT_STOPPED', message: 'it ended' };

const gatewayOf = (gateway: string, wave = 1): NewRolloutGateway => ({
  gateway,
  wave,
  target: { name: 'counter', version: '2' },
  beside: false,
  earlier: null,
  signingKey: 'PEM',
  base: null,
  error: null,
});

/** What every store must do with rollouts. @param store the one of this test, empty */
export function describeRollouts(store: () => Store): void {
  describe('rollouts', () => {
    beforeEach(async () => {
      for (const name of ['a', 'b', 'c'])
        await store().gateways.add({
          ...{ name, signingKey: 'PEM', certificateSerial: '01', certificateEndMs: 9, enrolledMs: 5 },
        });
    });

    const add = (gateways: readonly NewRolloutGateway[], rollout: Partial<NewRollout> = {}) =>
      store().transaction((inside) => inside.rollouts.add({ ...ROLLOUT, ...rollout }, gateways));
    const statesOf = async (id: number) =>
      (await store().rollouts.gateways(id)).map(({ gateway, state }) => `${gateway} ${state}`);

    it('keep the groups of gateways, each once', async () => {
      const { gateways } = store();
      expect(await gateways.setGroups('a', ['north', 'doors', 'north'])).toBe(true);
      expect(await gateways.setGroups('nobody', ['north'])).toBe(false);
      expect((await gateways.get('a'))?.groups).toEqual(['doors', 'north']);
      expect((await gateways.get('b'))?.groups).toEqual([]);
    });

    it('move on from the state that they are in only, and end once', async () => {
      const { rollouts } = store();
      const { id, taken } = await add([gatewayOf('a'), gatewayOf('b', 2), gatewayOf('c', 2)]);
      expect(taken).toEqual([]);
      expect(await rollouts.get(id)).toEqual({
        ...ROLLOUT,
        ...{ id, wave: 1, state: 'running', error: null, pausedMs: null, endedMs: null },
      });
      const release = { digest: 'd1', releasedMs: 10, deadlineMs: 20 };
      expect(await rollouts.released(id, 'a', release)).toBe(true);
      expect(await rollouts.released(id, 'a', release)).toBe(false);
      const done = { state: 'done', error: null } as const;
      expect(await rollouts.endGateway(id, 'a', 'waiting', done, 12)).toBe(false);
      expect(await rollouts.endGateway(id, 'a', 'released', done, 12)).toBe(true);
      expect(await rollouts.nextWave(id, 1)).toBe(true);
      expect(await rollouts.nextWave(id, 1)).toBe(false);
      expect(await rollouts.pause(id, 13)).toBe(true);
      expect(await rollouts.pause(id, 14)).toBe(false);
      expect(await rollouts.holdRunning(id)).toBe(false);
      expect((await rollouts.get(id))?.pausedMs).toBe(13);
      expect(await rollouts.resume(id)).toBe(true);
      expect(await rollouts.holdRunning(id)).toBe(true);
      await rollouts.released(id, 'b', { ...release, digest: 'd2' });
      expect((await rollouts.open()).map((one) => one.id)).toEqual([id]);
      const why = { code: 'ROLLOUT_ABORTED', message: 'by ann' };
      const end = () =>
        store().transaction((inside) =>
          inside.rollouts.end(id, 'aborted', why, { released: 'left', stopped: STOPPED }, 30),
        );
      expect([await end(), await end()]).toEqual([true, false]);
      expect(await statesOf(id)).toEqual(['a done', 'b left', 'c skipped']);
      expect(await rollouts.get(id)).toMatchObject({ state: 'aborted', error: why, endedMs: 30 });
      expect(await rollouts.holdRunning(id)).toBe(false);
      expect(await rollouts.open()).toEqual([]);
      expect(await rollouts.counts()).toEqual({ aborted: 1 });
      expect(await rollouts.tallies([id])).toEqual(
        expect.arrayContaining([{ rollout: id, state: 'left', count: 1 }]),
      );
    });

    it('hold their gateways until they end, also against another that begins at the same moment', async () => {
      const { rollouts } = store();
      const begin = (...names: string[]) =>
        store().transaction(async (inside) => {
          const added = await inside.rollouts.add(
            ROLLOUT,
            names.map((name) => gatewayOf(name)),
          );
          if (added.taken.length > 0) throw new Error(added.taken.join());
          return added.id;
        });
      const both = await Promise.allSettled([begin('a', 'b'), begin('b', 'c')]);
      const [won] = both.filter((one) => one.status === 'fulfilled');
      expect(both.filter((one) => one.status === 'rejected').map(({ reason }) => reason.message)).toEqual([
        'b',
      ]);
      const held = await rollouts.held();
      expect(held).toHaveLength(2);
      await store().transaction((inside) =>
        inside.rollouts.end(won!.value, 'failed', null, { released: 'timed-out', stopped: STOPPED }, 30),
      );
      expect(await rollouts.held()).toEqual([]);
      await begin('a', 'b', 'c');
    });

    it('skip from the start what cannot take part, without holding it', async () => {
      const error = { code: 'GATEWAY_QUARANTINED', message: 'nonsense' };
      const { id } = await add([{ ...gatewayOf('a'), error }, gatewayOf('b')], { undoes: 7, target: null });
      expect((await store().rollouts.gateways(id))[0]).toMatchObject({ state: 'skipped', error });
      expect(await store().rollouts.held()).toEqual([{ gateway: 'b', rollout: id }]);
      expect(await store().rollouts.get(id)).toMatchObject({ undoes: 7, target: null });
      expect((await store().rollouts.list(1)).map((one) => one.id)).toEqual([id]);
    });
  });
}
