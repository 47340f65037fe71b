import { expect, it } from 'vitest';
import type { CameraView, GatewayView, SiteState } from './api.ts';
import { applySiteChange, SiteChanges } from './site-change.ts';

const gateway = (name: string, version = '1') => ({ name, version }) as GatewayView;
const camera = (name: string, of: string, withheld = 0) =>
  ({ camera: name, gateway: of, withheld }) as CameraView;
const state = (changed: Partial<SiteState>): SiteState => ({
  ...{ site: 'yard', time: 't', commandLine: '…', broker: { connected: true, detail: '' } },
  ...{ gateways: [], cameras: [], models: [], endingCertificates: [], rollouts: [], auditShare: 0 },
  counters: { accepted: 0, duplicates: 0, gaps: 0, refused: {}, withheld: 0 },
  alerts: { open: [], count: 0 },
  ...changed,
});

it('gives each state from the one before, whatever came, went, changed or moved', () => {
  const trouble = { code: 'DISK_FULL', message: 'full', since: 't' };
  const states = [
    state({}),
    state({ gateways: [gateway('a'), gateway('b'), gateway('c')], trouble }),
    state({ gateways: [gateway('a'), gateway('b', '2'), gateway('c')], time: 'u' }),
    state({ gateways: [gateway('c'), gateway('a')], cameras: [camera('door', 'a')] }),
    state({ gateways: [gateway('c'), gateway('a')], cameras: [camera('door', 'a', 3), camera('door', 'c')] }),
    state({ gateways: [gateway('b'), gateway('c'), gateway('a')], cameras: [camera('door', 'c')] }),
    state({ counters: { accepted: 5, duplicates: 0, gaps: 0, refused: {}, withheld: 0 } }),
    state({}),
  ];
  const changes = new SiteChanges();
  changes.next(states[0]!);
  let known = states[0]!;
  for (const next of states.slice(1)) {
    // As it travels.
    known = applySiteChange(known, JSON.parse(JSON.stringify(changes.next(next))));
    expect(known).toEqual(next);
  }
});

it('tells of one gateway among a thousand, and leaves the others as they are', () => {
  const gateways = Array.from({ length: 1000 }, (_, i) => gateway(`gate-${i}`));
  const before = state({ gateways });
  const changes = new SiteChanges();
  changes.next(before);
  const change = changes.next(state({ gateways: gateways.with(700, gateway('gate-700', '2')), time: 'u' }));
  expect(change).toEqual({ time: 'u', gateways: { changed: [gateway('gate-700', '2')] } });
  const after = applySiteChange(before, change);
  expect(after.gateways[699]).toBe(gateways[699]);
  expect(after.gateways[700]?.version).toBe('2');
  expect(changes.next({ ...after, time: 'v' })).toEqual({ time: 'v' });
});
