import { describe, expect, it } from 'vitest';
import type { SoftwareRecord } from '../store/software.ts';
import type { Store } from '../store/store.ts';

const ARCHIVE: SoftwareRecord = {
  version: '1.2.3',
  platform: 'linux-x64',
  sha256: 'a'.repeat(64),
  bytes: 60_000_000,
  contents: 'b'.repeat(64),
  addedMs: 7,
};

/** What every store must do with software of gateways. @param store the one of this test, empty */
export function describeSoftware(store: () => Store): void {
  describe('software of gateways', () => {
    const enrol = (name: string) =>
      store().gateways.add({
        ...{ name, signingKey: 'PEM', certificateSerial: '01', certificateEndMs: 9, enrolledMs: 5 },
      });

    it('keeps one archive of each version and machine', async () => {
      const { software } = store();
      expect(await software.add(ARCHIVE)).toBe(true);
      expect(await software.add({ ...ARCHIVE, sha256: 'c'.repeat(64) })).toBe(false);
      expect(await software.add({ ...ARCHIVE, platform: 'linux-arm64', addedMs: 8 })).toBe(true);
      expect((await software.list()).map(({ platform }) => platform)).toEqual(['linux-arm64', 'linux-x64']);
      expect(await software.get('1.2.3', 'linux-x64')).toEqual(ARCHIVE);
      expect(await software.get('1.2.3', 'linux-s390x')).toBeNull();
      expect(await software.remove('1.2.3', 'linux-arm64')).toBe(true);
      expect(await software.remove('1.2.3', 'linux-arm64')).toBe(false);
    });

    it('keeps releases with what became of them, their counters apart from those of networks', async () => {
      await enrol('gate');
      await enrol('gone');
      const { software, gateways } = store();
      const release = async (gateway = 'gate') => {
        const counter = (await software.nextCounter(gateway))!;
        const digest = `${gateway} ${counter}`;
        await software.release({
          ...{ digest, gateway, version: '1.2.3', platform: 'linux-x64', counter },
          ...{ manifest: Uint8Array.of(counter), createdMs: counter },
        });
        return digest;
      };
      expect(await software.nextCounter('nobody')).toBeNull();
      expect(await gateways.nextCounter('gate')).toBe(1);
      const [first, second] = [await release(), await release()];
      await release('gone');
      await gateways.remove('gone', 9);
      expect((await software.getRelease(first))?.status).toBe('superseded');
      expect((await software.current()).map(({ digest }) => digest)).toEqual([second]);
      expect(await software.setStatus(second, 'refused', 'X: y', 9)).toBe(true);
      expect(await software.setStatus(second, 'refused', 'X: y', 10)).toBe(false);
      const { manifest, ...record } = (await software.getRelease(second))!;
      expect([...manifest]).toEqual([2]);
      expect(record).toMatchObject({
        gateway: 'gate',
        detail: 'X: y',
        createdMs: 2,
        updatedMs: 9,
        counter: 2,
      });
      expect(await software.running()).toEqual([{ gateway: 'gate', version: null, platform: null }]);
      expect(await software.setRunning('gate', '1.2.3', 'linux-x64')).toBe(true);
      expect(await software.setRunning('gate', '1.2.3', 'linux-x64')).toBe(false);
      await gateways.raiseCounters(70);
      expect(await software.nextCounter('gate')).toBe(71);
    });

    it('knows of a rollout what its releases, and the newest of each gateway, are', async () => {
      await enrol('gate');
      const { software, rollouts } = store();
      const row = {
        gateway: 'gate',
        wave: 1,
        beside: false,
        earlier: null,
        signingKey: 'PEM',
        base: null,
        error: null,
      };
      const target = { name: 'software', version: '1.2.3' };
      const { id } = await store().transaction((inside) =>
        inside.rollouts.add(
          {
            ...{ kind: 'software', target, author: 'ann', keys: null, undoes: null, waves: 1, limitMs: 1000 },
            ...{ maxFailures: 0, createdMs: 1, deadlineMs: 2 },
          },
          [{ ...row, target }],
        ),
      );
      const rollout = { id, kind: 'software' } as const;
      expect(await rollouts.facts(rollout)).toEqual([
        { gateway: 'gate', status: null, detail: null, newest: null },
      ]);
      for (const [counter, version] of ['1.2.3', '1.2.4'].entries())
        await software.release({
          ...{ digest: version, gateway: 'gate', version, platform: 'linux-x64', counter },
          ...{ manifest: Uint8Array.of(1), createdMs: counter },
        });
      await rollouts.released(id, 'gate', { digest: '1.2.3', releasedMs: 1, deadlineMs: 2 });
      expect(await rollouts.facts(rollout)).toEqual([
        {
          ...{ gateway: 'gate', status: 'superseded', detail: null },
          newest: { digest: '1.2.4', target: { name: 'software', version: '1.2.4' }, status: 'waiting' },
        },
      ]);
    });
  });
}
