import { describe, expect, it } from 'vitest';
import type { ConfigurationView } from '#protocol/api.ts';
import { cameraOf, cameraStateOf, FIXTURE_TIME, gatewayOf, healthOf, siteOf } from '../testing/fixtures.ts';
import { plain } from '../testing/plain.ts';
import { filterRows, fleetRows, needsHand } from './fleet-rows.ts';

const NOW = Date.parse(FIXTURE_TIME);
const configuration: ConfigurationView = {
  ...{ version: 3, author: 'ann', status: 'applied', since: FIXTURE_TIME, error: null },
  ...{ running: 3, drift: false },
};
const outbox = { waiting: 4212, bytes: 1, dropped: 0, oldestSeconds: 9 };

const site = siteOf({
  gateways: [
    gatewayOf({ name: 'fine' }),
    gatewayOf({ name: 'edited', configuration: { ...configuration, drift: true } }),
    gatewayOf({ name: 'refusing', configuration: { ...configuration, status: 'rejected', running: 2 } }),
    gatewayOf({ name: 'gone', state: 'offline' }),
    gatewayOf({
      ...{ name: 'full', health: healthOf({ outbox }) },
      certificateEnds: '2026-03-13T12:00:00.000Z',
    }),
    gatewayOf({ name: 'trying', configuration: { ...configuration, status: 'received' } }),
  ],
  cameras: ['fine', 'gone'].flatMap((gateway) => [
    cameraOf({ camera: `${gateway}-a`, gateway }),
    cameraOf({ camera: `${gateway}-b`, gateway, state: cameraStateOf({ state: 'disabled' }) }),
  ]),
});

describe('the rows of a fleet', () => {
  const rows = fleetRows(site, NOW);
  const row = (wanted: string) => rows.find(({ name }) => name === wanted)!;

  it('stand in the order in which they need a hand', () => {
    // Cameras are missing from the others, which is no reason to go there.
    expect(rows.map(({ name, tone }) => `${name} ${tone}`)).toEqual([
      'gone bad',
      'refusing bad',
      'edited warn',
      'full warn',
      'trying wait',
      'fine good',
    ]);
    expect(rows.filter(needsHand)).toHaveLength(4);
  });

  it('say in a word what there is to say', () => {
    expect(row('fine')).toMatchObject({
      cameras: { text: '1/1', tone: 'good' },
      settings: { text: 'own file' },
    });
    expect(plain(row('fine').since)).toBe('2 h');
    expect(row('gone').cameras).toEqual({ text: '0/2', tone: 'off' });
    expect(row('edited').settings).toEqual({ text: 'v3 edited there', tone: 'warn' });
    expect(row('refusing').settings).toEqual({ text: 'v3 rejected', tone: 'bad' });
    expect(row('full').waiting.tone).toBe('warn');
    expect(row('full').certificate).toEqual({ text: '12 d', tone: 'warn' });
    expect(row('fine').certificate).toEqual({ text: '364 d', tone: 'good' });
  });

  it('are found by words of any column, and by need', () => {
    const names = (words: string, onlyNeedy = false) =>
      filterRows(rows, { words, onlyNeedy }).map(({ name }) => name);
    expect(names('REJ v3')).toEqual(['refusing']);
    expect(names('offline')).toEqual(['gone']);
    expect(names('  ', true)).toHaveLength(4);
    expect(names('nowhere')).toEqual([]);
  });
});
