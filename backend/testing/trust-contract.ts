import { describe, expect, it } from 'vitest';
import type { ReportedTrust } from '#protocol/messages.ts';
import type { NewModel } from '../store/models.ts';
import type { Store } from '../store/store.ts';

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

/** What every store must do with networks that are retired, and with what gateways say about trust. @param store the one of this test, empty */
export function describeTrust(store: () => Store): void {
  describe('trust', () => {
    it('retires a network, and takes it back', async () => {
      const { models } = store();
      await models.add(MODEL);
      await models.add({ ...MODEL, version: 2 });
      const retirement = { sinceMs: 5, refusedFromMs: 9 };
      expect(await models.setRetirement('counter', 2, retirement)).toBe(true);
      expect(await models.setRetirement('counter', 2, { sinceMs: 6, refusedFromMs: 6 })).toBe(false);
      expect((await models.get('counter', 2))?.retirement).toEqual(retirement);
      expect((await models.get('counter', 1))?.retirement).toBeNull();
      expect(await models.setRetirement('counter', 2, null)).toBe(true);
      expect(await models.setRetirement('counter', 2, null)).toBe(false);
      expect(await models.setRetirement('nothing', 1, retirement)).toBe(false);
    });

    it('keeps what a gateway says about the keys that it knows', async () => {
      const { gateways } = store();
      const record = { signingKey: 'PEM', certificateSerial: '01', certificateEndMs: 9, enrolledMs: 5 };
      await gateways.add({ name: 'gate', ...record });
      expect((await gateways.get('gate'))?.trust).toBeNull();
      const trust: ReportedTrust = {
        status: 'fresh',
        number: 4,
        expires: null,
        ownerKeys: 3,
        knowsRoot: true,
        error: null,
      };
      expect(await gateways.setTrust('gate', trust)).toBe(true);
      expect(await gateways.setTrust('gate', trust)).toBe(false);
      expect((await gateways.get('gate'))?.trust).toEqual(trust);
    });

    it('replaces a sealed secret', async () => {
      const { secrets } = store();
      await secrets.replace('site/key', Uint8Array.of(1), 5);
      await secrets.replace('site/key', Uint8Array.of(2), 6);
      expect(Uint8Array.from((await secrets.get('site/key'))!)).toEqual(Uint8Array.of(2));
    });
  });
}
