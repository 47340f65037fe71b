import type { AlertView } from '#protocol/alert.ts';
import type { JournalEntry, SiteLines } from '#protocol/api.ts';
import type { RecordedEvent } from '#protocol/recorded-event.ts';
import type { RuleTest, RuleView } from '#protocol/rule.ts';

export type Answer = { readonly status: number; readonly body: unknown };

/** What a site has recorded, and what is done about it: alerts, events, rules, journal. */
export class FakeRecords {
  alerts: AlertView[] = [];
  events: RecordedEvent[] = [];
  rules: RuleView[] = [];
  journal: JournalEntry[] = [];
  lines: SiteLines = { sinceMs: 0, slotMs: 60_000, points: 60, lines: [] };
  /** What a rule is said to have done in the last day. */
  ruleTest: RuleTest = {
    ...{ from: '2026-01-01T00:00:00.000Z', until: '2026-01-02T00:00:00.000Z', answers: 0 },
    ...{ count: 0, mostInAnHour: 0, raised: [], holdsNow: [], doubts: [] },
  };
  /** Method, address and body of what it was told. */
  readonly told: (readonly [method: string, path: string, body: unknown])[] = [];

  /** Null where it is asked for something else. */
  answer(method: string, path: string, query: URLSearchParams, body: unknown): Answer | null {
    const ok = (value: unknown): Answer => ({ status: 200, body: value });
    if (method === 'GET') {
      const camera = query.get('camera');
      const isOpen = (one: RecordedEvent) => query.get('reviewed') !== 'false' || one.reviewed === null;
      if (path === '/api/lines') return ok(this.lines);
      if (path === '/api/alerts') return ok(this.alerts);
      if (path === '/api/rules') return ok(this.rules);
      if (path === '/api/channels') return ok([]);
      if (path === '/api/journal') return ok(this.journal);
      if (path !== '/api/recorded-events') return null;
      return ok(this.events.filter((one) => (camera === null || one.camera === camera) && isOpen(one)));
    }
    const isMine = /^\/api\/(recorded-events|alerts|rules)(\/|$)|^\/api\/cameras\/[^/]+(\/zones.*)?$/;
    if (!isMine.test(path)) return null;
    if (path === '/api/rules/test') return ok(this.ruleTest);
    this.told.push([method, path, body]);
    const [, kind, id] = /^\/api\/(recorded-events|alerts)\/(\d+)\//.exec(path) ?? [];
    const by = { by: 'ann', at: '2026-03-01T12:00:00.000Z' };
    if (kind === 'recorded-events')
      this.events = this.events.map((one) => (one.id === Number(id) ? { ...one, reviewed: by } : one));
    if (kind === 'alerts')
      this.alerts = this.alerts.map((one) => (one.id === Number(id) ? { ...one, acknowledged: by } : one));
    return ok(body ?? {});
  }
}
