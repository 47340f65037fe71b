import { beforeEach, describe, expect, it } from 'vitest';
import type { Store } from '../store/store.ts';

/** What every store must do with settings that are pushed. @param store the one of this test, empty */
export function describeConfigurations(store: () => Store): void {
  describe('settings that are pushed', () => {
    const enrol = (name: string) =>
      store().gateways.add({
        name,
        signingKey: 'PEM',
        sealingKey: 'SEALING',
        certificateSerial: '01',
        certificateEndMs: 9,
        enrolledMs: 5,
      });
    beforeEach(() => enrol('gate'));

    it('keeps versions of settings, strictly increasing, each with what became of it', async () => {
      await enrol('other');
      const { configurations } = store();
      const push = async (gateway = 'gate') => {
        const version = (await configurations.nextVersion(gateway))!;
        const wire = Uint8Array.of(version);
        await configurations.add({ gateway, version, author: 'ann', wire, createdMs: version });
        return version;
      };
      expect(await configurations.nextVersion('nobody')).toBeNull();
      expect([await push(), await push(), await push('other')]).toEqual([1, 2, 1]);
      expect((await configurations.history('gate')).map(({ version, status }) => [version, status])).toEqual([
        [2, 'pending'],
        [1, 'superseded'],
      ]);
      // An answer about a version that another has overtaken.
      expect(await configurations.setStatus('gate', 1, 'received', null, 8)).toBe(false);
      expect(await configurations.setStatus('gate', 2, 'received', null, 8)).toBe(true);
      const error = { code: 'CONFIG_INVALID', message: 'line 1' };
      expect(await configurations.setStatus('gate', 2, 'rejected', error, 9)).toBe(true);
      expect(await configurations.setStatus('gate', 2, 'rejected', error, 10)).toBe(false);
      const { wire, ...newest } = (await configurations.newest('gate'))!;
      expect(newest).toEqual({
        gateway: 'gate',
        version: 2,
        author: 'ann',
        status: 'rejected',
        error,
        createdMs: 2,
        updatedMs: 9,
      });
      expect([...wire]).toEqual([2]);
      expect(await configurations.get('gate', 3)).toBeNull();

      expect(await configurations.running('gate')).toEqual({ running: null, drift: false });
      expect(await configurations.setRunning('gate', { running: 1, drift: true })).toBe(true);
      expect(await configurations.setRunning('gate', { running: 1, drift: true })).toBe(false);
      expect(await configurations.running('gate')).toEqual({ running: 1, drift: true });

      await store().gateways.raiseCounters(70);
      expect(await push()).toBe(71);
      await store().gateways.remove('other', 20);
      expect((await configurations.current()).map(({ gateway, version }) => [gateway, version])).toEqual([
        ['gate', 71],
      ]);
    });

    it('keeps the newest versions of settings, and the one that runs', async () => {
      const { configurations } = store();
      await configurations.setRunning('gate', { running: 2, drift: false });
      for (let version = 1; version <= 203; version++) {
        const wire = Uint8Array.of(1);
        await configurations.add({ gateway: 'gate', version, author: 'ann', wire, createdMs: version });
      }
      const versions = (await configurations.history('gate')).map(({ version }) => version);
      expect(versions).toHaveLength(201);
      expect(versions.slice(-2)).toEqual([4, 2]);
    });
  });
}
