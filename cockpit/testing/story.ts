import type { AlertView } from '#protocol/alert.ts';
import type { SiteState } from '#protocol/api.ts';
import type { Rule } from '#protocol/rule.ts';
import { conditionWords } from '#protocol/rule-words.ts';
import type { FakeSite } from './fake-site.ts';
import { mapResultOf } from './fixtures.ts';
import { hourOf } from './hour.ts';
import { deadState, linesOf, manyCameras, withCameras } from './many-cameras.ts';

/** How long somebody has been at the second camera. */
const PERSON_AGO_MS = 1_200_000;
const GATE = {
  ...{ name: 'gate-person', severity: 'critical' },
  when: { kind: 'answer', cameras: ['cam-01', 'cam-02'], label: 'person', forSeconds: 10 },
} as const satisfies Pick<Rule, 'name' | 'severity' | 'when'>;
const AWAY = {
  ...{ name: 'gateway-away', severity: 'warning' },
  when: { kind: 'gateway-state', gateways: 'all', states: ['offline'], forSeconds: 60 },
} as const satisfies Pick<Rule, 'name' | 'severity' | 'when'>;

export type Story = {
  readonly cameras: number;
  /** `dead`: a camera cannot be reached; `cut`: a gateway is offline; `broker`: the broker is; `alert`: somebody was seen. */
  readonly trouble?: 'dead' | 'cut' | 'broker' | 'alert';
  readonly nowMs: number;
};

/** What a fake site tells at a moment: cameras, their last hour, and what happened. */
export function tell(site: FakeSite, { cameras: count, trouble, nowMs }: Story): void {
  const at = (agoMs: number) => new Date(nowMs - agoMs).toISOString();
  const state = troubled(mapped(manyCameras(count, { nowMs, hasGroups: count > 20 }), at), trouble, nowMs);
  const open = trouble === 'alert' ? alertsOf(at) : [];
  site.site = { ...state, alerts: { open, count: open.length } };
  site.records.alerts = open;
  site.records.lines = linesOf(state);
  for (const { camera, result } of state.cameras) {
    const hour = hourOf(camera, nowMs, 20_000);
    const [, person = []] = hour.probabilities;
    site.histories.set(
      camera,
      result?.counts === undefined
        ? hour
        : {
            ...hour,
            ...{ labels: ['car'], task: 'map', probabilities: [] },
            counts: [person.map((value) => Math.round(value * 4))],
          },
    );
  }
  const events = state.cameras.slice(0, 6).flatMap(({ camera, result }, index) =>
    [0, 1].map((round) => {
      // What is at the second camera is still there.
      const isLasting = index === 1 && round === 0;
      const agoMs = isLasting ? PERSON_AGO_MS : 300_000 * (index + 1) + 2_400_000 * round;
      const isCounted = result?.counts !== undefined;
      return {
        ...{ id: 2 * index + round, camera, model: 'counter', answers: 40, start: at(agoMs) },
        label: isCounted ? 'car' : 'person',
        end: isLasting ? null : at(agoMs - 95_000 - 10_000 * index),
        peak: isCounted ? 4 : 0.97,
        reviewed: round === 0 ? null : { by: 'ann', at: at(0) },
      };
    }),
  );
  site.records.events = events.sort((a, b) => b.start.localeCompare(a.start));
  const about = { changed: at(86_400_000), author: 'ann', coolDownSeconds: 300 };
  site.records.rules = [
    { ...about, ...GATE, enabled: true, notify: ['phone'] },
    { ...about, ...AWAY, enabled: true, notify: ['mail'] },
    {
      ...{ ...about, name: 'hall-at-night', enabled: true, severity: 'critical', notify: ['phone', 'mail'] },
      when: { kind: 'answer', cameras: ['cam-04'], label: 'person', forSeconds: 10 },
      schedule: { days: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'], from: '22:00', to: '06:00' },
    },
    {
      ...{ ...about, name: 'platform-full', enabled: false, severity: 'info', notify: [] },
      when: { kind: 'answer', cameras: ['cam-03'], label: 'car', atLeast: 20, forSeconds: 60 },
    },
  ];
}

/** The third camera, or the only one, tells where its cars are. */
function mapped(site: SiteState, at: (agoMs: number) => string): SiteState {
  const index = Math.min(2, site.cameras.length - 1);
  const { camera, situations } = site.cameras[index]!;
  const zones = [
    { name: 'entrance', counts: { car: 2 } },
    { name: 'exit', counts: { car: 0 } },
  ];
  return withCameras(site, {
    [index]: {
      result: mapResultOf({ camera, frameTime: at(300), zones }),
      zones: [
        {
          name: 'entrance',
          corners: [
            [0.02, 0.3],
            [0.5, 0.3],
            [0.5, 0.62],
            [0.08, 0.62],
          ],
        },
        {
          name: 'exit',
          corners: [
            [0.6, 0.1],
            [0.95, 0.1],
            [0.95, 0.45],
            [0.66, 0.45],
          ],
        },
      ],
      situations: (situations ?? []).map((one) => ({
        ...{ ...one, label: 'car', present: true, count: 3, entriesToday: 12, dwellSeconds: 340 },
      })),
    },
  });
}

function troubled(site: SiteState, trouble: Story['trouble'], nowMs: number): SiteState {
  const old = (agoMs: number) => new Date(nowMs - agoMs).toISOString();
  const aged = (isTheirs: (gateway: string) => boolean, agoMs: number) =>
    site.cameras.map((camera) =>
      isTheirs(camera.gateway) && camera.result !== null
        ? { ...camera, result: { ...camera.result, frameTime: old(agoMs) } }
        : camera,
    );
  if (trouble === 'dead') {
    const { camera, result } = site.cameras[1]!;
    const frameTime = old(1_500_000);
    return withCameras(site, {
      1: { state: deadState(camera, nowMs), result: result && { ...result, frameTime } },
    });
  }
  if (trouble === 'cut') {
    const [first, ...others] = site.gateways;
    const gateways = [{ ...first!, state: 'offline' as const, since: old(900_000) }, ...others];
    return { ...site, gateways, cameras: aged((gateway) => gateway === first!.name, 900_000) };
  }
  if (trouble !== 'broker') return site;
  return {
    ...{ ...site, cameras: aged(() => true, 130_000) },
    broker: { connected: false, detail: 'connection refused' },
  };
}

/** In the words of the backend. */
function alertsOf(at: (agoMs: number) => string): AlertView[] {
  const gate = { rule: GATE.name, severity: GATE.severity, message: messageOf(GATE) };
  return [
    {
      ...{ ...gate, id: 3, title: 'cam-02: person 95 %', times: 1 },
      ...{ raised: at(PERSON_AGO_MS - 10_000), ended: null, acknowledged: null },
      subject: { kind: 'camera', name: 'cam-02' },
    },
    {
      ...{ id: 2, rule: AWAY.name, severity: AWAY.severity, title: 'mast-1: gateway offline', times: 3 },
      ...{ message: messageOf(AWAY), raised: at(7_240_000), ended: at(6_000_000), acknowledged: null },
      subject: { kind: 'gateway', name: 'mast-1' },
    },
    {
      ...{ ...gate, id: 1, title: 'cam-01: person 97 %', times: 2 },
      ...{ raised: at(9_240_000), ended: at(9_000_000) },
      subject: { kind: 'camera', name: 'cam-01' },
      acknowledged: { by: 'ann', at: at(8_000_000) },
    },
  ];
}

function messageOf({ name, when }: Pick<Rule, 'name' | 'when'>): string {
  return `Rule ${name}: ${conditionWords(when)}.`;
}
