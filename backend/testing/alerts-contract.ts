import { describe, expect, it } from 'vitest';
import type { AlertSubject } from '#protocol/alert.ts';
import type { RaisedAlert } from '../store/alerts.ts';
import type { Store } from '../store/store.ts';

const YARD: AlertSubject = { kind: 'camera', name: 'yard' };

const raised = (more: Partial<RaisedAlert> = {}): RaisedAlert => ({
  ...{
    rule: 'intruder',
    severity: 'warning',
    subject: YARD,
    title: 'Someone in the yard',
    message: 'present since 02:10',
  },
  ...{ atMs: 1000, notify: [] },
  ...more,
});

const LONGEST_MS = 1_000_000;

/** What a store does with alerts and their deliveries. @param store of the test that runs */
export function describeAlerts(store: () => Store): void {
  describe('alerts', () => {
    it('has one open alert about each subject of a rule, until it has ended and was acknowledged, in either order', async () => {
      const { alerts } = store();
      const first = await alerts.raise(raised());
      expect(first).toEqual({
        began: true,
        alert: {
          ...{ id: first.alert.id, rule: 'intruder', severity: 'warning', subject: YARD },
          ...{
            title: 'Someone in the yard',
            message: 'present since 02:10',
            raised: '1970-01-01T00:00:01.000Z',
          },
          ...{ ended: null, acknowledged: null, times: 1 },
        },
      });
      expect(await alerts.raise(raised({ atMs: 2000 }))).toEqual({ ...first, began: false });
      const gate: AlertSubject = { ...YARD, region: 'left', zone: 'gate' };
      const other = await alerts.raise(raised({ subject: gate, severity: 'critical' }));
      expect(other.alert.subject).toEqual(gate);
      expect((await alerts.raise(raised({ subject: { kind: 'gateway', name: 'yard' } }))).began).toBe(true);
      expect((await alerts.open()).open.map(({ severity }) => severity)).toEqual([
        'critical',
        'warning',
        'warning',
      ]);
      expect(await alerts.open(1)).toEqual({ open: [other.alert], count: 3 });

      expect(await alerts.end('intruder', YARD, 3000)).toMatchObject({ ended: '1970-01-01T00:00:03.000Z' });
      expect(await alerts.end('intruder', YARD, 4000)).toBeNull();
      const again = await alerts.raise(raised({ atMs: 5000, message: 'again' }));
      expect(again).toMatchObject({
        began: true,
        alert: { id: first.alert.id, times: 2, ended: null, message: 'again' },
      });
      expect(await alerts.lasting('intruder')).toHaveLength(3);

      await alerts.end('intruder', YARD, 6000);
      await alerts.acknowledge(first.alert.id, 'anna', 7000);
      await alerts.acknowledge(other.alert.id, 'anna', 7000);
      expect((await alerts.open()).open.map(({ id }) => id)).toContain(other.alert.id);
      await alerts.end('intruder', gate, 8000);
      expect((await alerts.open()).count).toBe(1);
      const next = await alerts.raise(raised({ atMs: 9000 }));
      expect(next.alert).toMatchObject({ times: 1, acknowledged: null });
      expect(next.alert.id).toBeGreaterThan(first.alert.id);
      expect((await alerts.latest(2)).map(({ id }) => id)).toEqual([next.alert.id, first.alert.id]);
      expect(await alerts.endAllOf('intruder', 9500)).toBe(2);
      await alerts.removeOld(1);
      expect(await alerts.get(first.alert.id)).toBeNull();
      expect((await alerts.latest(10)).map(({ id }) => id)).toHaveLength(3);
    });

    it('is acknowledged once, by whoever is first', async () => {
      const { alerts } = store();
      const { alert } = await alerts.raise(raised());
      const both = await Promise.all(
        ['anna', 'bert'].map((name) => alerts.acknowledge(alert.id, name, 2000)),
      );
      const first = both.filter((one) => one?.first === true);
      expect(first).toHaveLength(1);
      for (const one of both) expect(one?.alert.acknowledged).toEqual(first[0]?.alert.acknowledged);
      expect(await alerts.acknowledge(alert.id + 1, 'anna', 2000)).toBeNull();
    });

    it('numbers what changes, and raises with its transaction or not at all', async () => {
      const { alerts, deliveries } = store();
      const { alert } = await alerts.raise(raised());
      const [before] = await alerts.revisions();
      const marks = ['0/0/0', await alerts.mark()];
      await alerts.acknowledge(alert.id, 'anna', 2000);
      const [after] = await alerts.revisions();
      marks.push(await alerts.mark());
      expect(new Set(marks).size).toBe(3);
      expect(after!.revision).toBeGreaterThan(before!.revision);
      const broken = store().transaction(async (inside) => {
        await inside.alerts.raise(raised({ rule: 'other', notify: ['hook'] }));
        throw new Error('no');
      });
      await expect(broken).rejects.toThrow('no');
      expect((await alerts.open()).count).toBe(1);
      expect(await deliveries.channels()).toEqual([]);
      expect(await alerts.mark()).toBe(marks[2]);
      await alerts.endAllOf(alert.rule, 3000);
      expect(await alerts.mark(), 'none is open').toBe('0/0/0');
    });

    it('queues a delivery for each channel whenever it begins, and keeps it until it is settled', async () => {
      const { alerts, deliveries } = store();
      const { alert } = await alerts.raise(raised({ notify: ['hook', 'mail', 'hook'] }));
      await alerts.raise(raised({ notify: ['hook'] }));
      const due = (channel: string, nowMs: number) => deliveries.due(channel, nowMs, LONGEST_MS, 10);
      expect(await deliveries.channels()).toEqual(['hook', 'mail']);
      const [hook, ...others] = await due('hook', 1000);
      expect(others).toEqual([]);
      expect(hook).toMatchObject({ channel: 'hook', alert, attempts: 0, createdMs: 1000 });
      const [mail] = await due('mail', 1000);
      expect(mail!.key).not.toBe(hook!.key);
      expect(await due('hook', 999)).toEqual([]);
      await deliveries.failed(hook!, 'no answer', 5000);
      expect(await due('hook', 4999)).toEqual([]);
      expect(await due('mail', 4999)).toHaveLength(1);
      expect(await due('hook', 5000)).toMatchObject([{ key: hook!.key, attempts: 1 }]);
      // The clock was put back by more than anything ever waits.
      expect(await due('hook', -LONGEST_MS)).toHaveLength(1);

      await alerts.end('intruder', YARD, 5000);
      await alerts.raise(raised({ atMs: 6000, notify: ['hook'] }));
      expect(await deliveries.counts()).toEqual([
        { channel: 'hook', waiting: 2, deliveredMs: null, trouble: 'no answer' },
        { channel: 'mail', waiting: 1, deliveredMs: null, trouble: null },
      ]);
      // What never failed goes first, and a failure holds back all that wait.
      const [second, retry] = await due('hook', 6000);
      expect(retry!.key).toBe(hook!.key);
      await deliveries.failed(retry!, 'no answer', 900_000);
      expect(await due('hook', 899_999)).toEqual([]);
      await deliveries.delivered(second!, 7000, false);
      expect(await due('hook', 7000)).toEqual([]);
      await deliveries.delivered(second!, 7000, true);
      // The channel works again: nothing waits on.
      expect((await due('hook', 7000)).map(({ key }) => key)).toEqual([hook!.key]);
      expect(await deliveries.giveUpBeyond('hook', 0, 'too many', 8000)).toBe(1);
      await deliveries.giveUp(mail!, 'no such channel', 8000);
      expect(await deliveries.counts()).toEqual([
        { channel: 'hook', waiting: 0, deliveredMs: 7000, trouble: null },
        { channel: 'mail', waiting: 0, deliveredMs: null, trouble: null },
      ]);
      expect(await deliveries.removeSettledBefore(8000)).toBe(1);
    });

    it('has channels of different names', async () => {
      const { channels } = store();
      const hook = { name: 'hook', kind: 'webhook', to: 'https://example.org', createdMs: 5 } as const;
      expect(await channels.add(hook)).toBe(true);
      expect(await channels.add({ ...hook, kind: 'gotify' })).toBe(false);
      expect(await channels.list()).toEqual([hook]);
      expect(await channels.get('hook')).toEqual(hook);
      expect(await channels.remove('hook')).toBe(true);
      expect(await channels.remove('hook')).toBe(false);
      expect(await channels.get('hook')).toBeNull();
    });
  });
}
