import { describe, expect, it } from 'vitest';
import { AgentConfig, PushedSettings } from '#config/schema.ts';
import { settingsDigest } from './settings-digest.ts';

const configOf = (settings: object) =>
  AgentConfig.parse({
    site: 'town',
    gateway: 'gate-1',
    data: '/d',
    broker: { url: 'mqtts://b:1', ca: 'a', certificate: 'c', key: 'k' },
    identity: { signingKey: 's', ownerKey: 'o' },
    ...settings,
  });
const door = { name: 'door', url: 'rtsp://c/' };
const masks = [
  [
    [0, 0],
    [0.5, 0],
    [0, 0.5],
  ],
];
const settings = { healthSeconds: 7, outbox: { maxMegabytes: 5 }, cameras: [{ ...door, rate: 3, masks }] };

describe('settingsDigest', () => {
  it('stays as it is where a later version of the program has more settings, and in another order', () => {
    const later = {
      sound: { volume: 3 },
      ...configOf(settings),
      cameras: configOf(settings).cameras.map((camera) => ({ zoom: 1, ...camera })),
    };
    const parseLater = (some: object) => {
      const known = PushedSettings.parse(some);
      return {
        ...known,
        sound: { volume: 3 },
        cameras: known.cameras.map((camera) => ({ ...camera, zoom: 1 })),
      };
    };
    expect(settingsDigest(later, parseLater)).toBe(settingsDigest(configOf(settings)));
    const used = { ...later, sound: { volume: 4 } };
    expect(settingsDigest(used, parseLater)).not.toBe(settingsDigest(configOf(settings)));
  });

  it.each([
    ['a number', { healthSeconds: 8 }],
    ['a number that is the default now', { healthSeconds: 30 }],
    ['a setting within others', { outbox: { maxMegabytes: 6 } }],
    ['a camera’s rate', { cameras: [{ ...door, rate: 4, masks }] }],
    ['a camera’s name', { cameras: [{ ...door, name: 'hall', rate: 3, masks }] }],
    [
      'a mask',
      {
        cameras: [
          {
            ...door,
            rate: 3,
            masks: [
              [
                [0, 0],
                [0.5, 0],
                [0, 0.6],
              ],
            ],
          },
        ],
      },
    ],
    ['no cameras', { cameras: [] }],
    [
      'one more camera',
      {
        cameras: [
          { ...door, rate: 3, masks },
          { ...door, name: 'hall' },
        ],
      },
    ],
  ])('changes with %s', (_, change) => {
    expect(settingsDigest(configOf({ ...settings, ...change }))).not.toBe(settingsDigest(configOf(settings)));
  });

  it('leaves out what cannot be pushed', () => {
    const other = configOf({ ...settings, data: '/e', configuration: { onEdit: 'file' } });
    expect(settingsDigest(other)).toBe(settingsDigest(configOf(settings)));
  });
});
