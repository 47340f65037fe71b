import { describe, expect, it } from 'vitest';
import { Rule } from '#protocol/rule.ts';
import type { Store } from '../store/store.ts';

const KEY = { camera: 'square', region: '', zone: 'gate', label: 'person' };
const SEEN = { peak: 2, answers: 3 };

/** What a store does with situations, events and rules. @param store of the test that runs */
export function describeEvents(store: () => Store): void {
  describe('events and rules', () => {
    it('keeps what is there now, once for each place and label', async () => {
      const { situations } = store();
      await situations.put([[KEY, { level: 1 }]]);
      await situations.put([
        [KEY, { level: 2 }],
        [{ ...KEY, label: 'it is; a "label"' }, {}],
      ]);
      expect((await situations.all()).map(({ label, state }) => [label, state])).toEqual([
        ['it is; a "label"', {}],
        ['person', { level: 2 }],
      ]);
      await situations.remove(KEY);
      expect(await situations.all()).toHaveLength(1);
    });

    it('lists events by camera, time and whether somebody has looked at them, and notes the first who did', async () => {
      const { recordedEvents: events } = store();
      const ids = [];
      for (const startMs of [1000, 2000, 3000]) ids.push(await events.begin(KEY, 'crowd', startMs, SEEN));
      await events.begin({ ...KEY, camera: 'yard', zone: '' }, 'crowd', 2500, { peak: null, answers: 1 });
      await events.update(ids[0]!, 1000, 1500, { peak: 0.75, answers: 9 });
      expect(await events.list({ camera: 'square', limit: 9, untilMs: 2000 })).toEqual([
        {
          ...{ id: ids[0], camera: 'square', zone: 'gate', label: 'person', model: 'crowd', reviewed: null },
          ...{ start: '1970-01-01T00:00:01.000Z', end: '1970-01-01T00:00:01.500Z', peak: 0.75, answers: 9 },
        },
      ]);
      expect(await events.overlaps(KEY, 1200, 1300)).toBe(true);
      expect(await events.overlaps(KEY, 0, 999)).toBe(false);
      expect(await events.overlaps({ ...KEY, zone: '' }, 1200, 1300)).toBe(false);
      expect(await events.overlaps(KEY, 1_000_000, 1_000_001), 'one that lasts').toBe(true);
      const starts = async (filter: object) =>
        (await events.list({ limit: 9, ...filter })).map(({ start }) => Date.parse(start));
      expect(await starts({})).toEqual([3000, 2500, 2000, 1000]);
      expect(await starts({ sinceMs: 1501 })).toEqual([3000, 2500, 2000]);
      expect(await starts({ limit: 2 })).toEqual([3000, 2500]);
      expect(await events.review(ids[1]!, 'anna', 7000)).toMatchObject({
        reviewed: { by: 'anna', at: '1970-01-01T00:00:07.000Z' },
      });
      expect(await events.review(ids[1]!, 'ben', 8000)).toMatchObject({ reviewed: { by: 'anna' } });
      expect(await events.review(99, 'anna', 7000)).toBeNull();
      expect(await starts({ reviewed: true })).toEqual([2000]);
      expect(await starts({ reviewed: false })).toEqual([3000, 2500, 1000]);
      expect(await events.removeBefore(1501)).toBe(1);
      expect(await starts({})).toEqual([3000, 2500, 2000]);
    });

    it('keeps rules by name, each version with a number of its own, and how far each has come', async () => {
      const { rules } = store();
      const rule = Rule.parse({ name: 'night', when: { kind: 'unusual', cameras: 'all' } });
      await rules.put(rule, 'anna', 5);
      await rules.put({ ...rule, name: 'day', enabled: false }, 'anna', 6);
      await rules.put({ ...rule, severity: 'critical' }, 'ben', 7);
      expect(await rules.list()).toEqual([
        { ...rule, name: 'day', enabled: false, changed: '1970-01-01T00:00:00.006Z', author: 'anna' },
        { ...rule, severity: 'critical', changed: '1970-01-01T00:00:00.007Z', author: 'ben' },
      ]);
      const [enabled, ...more] = await rules.enabled();
      expect([enabled, more]).toEqual([{ rule: { ...rule, severity: 'critical' }, revision: 3 }, []]);
      const progress = { rule: 'night', revision: 3, subject: 'camera/square//', state: { open: true } };
      await rules.putProgress({ ...progress, state: {} });
      await rules.putProgress(progress);
      expect(await rules.progress()).toEqual([progress]);
      await rules.removeProgress(3, progress.subject);
      expect(await rules.progress()).toEqual([]);
      expect(await rules.remove('night')).toBe(true);
      expect(await rules.remove('night')).toBe(false);
      expect(await rules.get('night')).toBeNull();
    });
  });
}
