import { expect, it } from 'vitest';
import type { NewModel } from '../store/models.ts';
import type { Store } from '../store/store.ts';

/**
 * What every store must do with releases.
 *
 * @param store the one of this test, empty
 * @param model a network
 * @param enrol adds a gateway called gate
 */
export function describeDeployments(
  store: () => Store,
  model: NewModel,
  enrol: () => Promise<unknown>,
): void {
  it('supersedes a release that did not finish', async () => {
    await enrol();
    await store().models.add(model);
    const release = (digest: string, counter: number) => ({
      digest,
      gateway: 'gate',
      model: 'counter',
      version: 1,
      protection: 1,
      beside: false,
      counter,
      manifest: Uint8Array.of(counter),
      createdMs: counter,
    });
    await store().deployments.add(release('one', 1));
    await store().deployments.setStatus('one', 'active', null, 2);
    await store().deployments.add(release('two', 2));
    await store().deployments.add(release('three', 3));
    expect((await store().deployments.list()).map((row) => row.status)).toEqual([
      'active',
      'superseded',
      'waiting',
    ]);
    expect((await store().deployments.current()).map((row) => row.digest)).toEqual(['three']);
    const newest = await store().deployments.newest();
    await store().deployments.setStatus('three', 'active', null, 9);
    expect(await store().deployments.newest()).toBe(newest);
    await store().deployments.setStatus('three', 'waiting', null, 9);
    expect(await store().deployments.setStatus('three', 'refused', 'X: y', 9)).toBe(true);
    expect(await store().deployments.setStatus('three', 'refused', 'X: y', 10)).toBe(false);
    expect(await store().deployments.get('three')).toMatchObject({ detail: 'X: y', updatedMs: 9 });
    await expect(store().deployments.add(release('again', 3))).rejects.toThrow();
  });

  it('has a newest release of each network of a gateway, and supersedes none by another', async () => {
    await enrol();
    await store().models.add(model);
    await store().models.add({ ...model, name: 'carpark' });
    const add = (counter: number, model: string, beside: boolean) =>
      store().deployments.add({
        ...{ digest: `${counter}`, gateway: 'gate', model, version: 1, protection: 1, beside, counter },
        ...{ manifest: Uint8Array.of(counter), createdMs: counter },
      });
    await add(1, 'counter', false);
    await add(2, 'carpark', true);
    await add(3, 'carpark', true);
    // The default network again, whatever it is.
    await add(4, 'carpark', false);
    await add(5, 'counter', true);
    const { deployments } = store();
    expect((await deployments.list()).map(({ status }) => status)).toEqual([
      ...['superseded', 'superseded', 'waiting', 'waiting', 'waiting'],
    ]);
    const current = [
      { digest: '4', model: 'carpark', beside: false },
      { digest: '3', model: 'carpark', beside: true },
      { digest: '5', model: 'counter', beside: true },
    ];
    expect(await deployments.current()).toMatchObject(current);
    expect(await deployments.currentOf('gate')).toMatchObject(current);
    expect(await deployments.currentOf('yard')).toEqual([]);
    expect(await deployments.running()).toEqual([]);
    for (const digest of ['2', '3', '4']) await deployments.setStatus(digest, 'active', null, 7);
    expect((await deployments.running()).map(({ digest }) => digest).sort()).toEqual(['3', '4']);
    const releases = await deployments.ofAnswers(['1', '2', '3', '4', '5']);
    const judged = ['1', '2', '3', '4', '5'].map((digest) => releases.get(digest) ?? null);
    expect(judged.map((one) => one?.supersededMs ?? null)).toEqual([7, 7, null, null, null]);
    for (const one of judged.filter((known) => known !== null)) {
      const { supersededMs: _, ...own } = one;
      expect(await deployments.get(own.digest)).toMatchObject(own);
    }
  });
}
