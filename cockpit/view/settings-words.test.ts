import { describe, expect, it } from 'vitest';
import type { ConfigurationView } from '#protocol/api.ts';
import { gatewayOf } from '../testing/fixtures.ts';
import { runningSettings, settingsWords } from './settings-words.ts';

const APPLIED: ConfigurationView = {
  version: 3,
  author: 'ann',
  status: 'applied',
  since: '2026-03-01T09:30:00.000Z',
  error: null,
  running: 3,
  drift: false,
};
const gateway = (change: Partial<ConfigurationView> = {}) =>
  gatewayOf({ configuration: { ...APPLIED, ...change } });
const error = { code: 'CONFIGURATION_NO_LINK', message: 'no connection within 60 s' };

describe('settings of a gateway in words', () => {
  it('are silent where none were pushed, or those that were run', () => {
    expect(settingsWords(gatewayOf())).toBeNull();
    expect(settingsWords(gateway())).toBeNull();
  });

  it.each([
    [{ status: 'pending', running: null }, 'wait', 'Settings: version 3 waits for the gateway.'],
    [{ status: 'received' }, 'wait', 'Settings: version 3 is being tried.'],
    [{ drift: true }, 'warn', 'Settings: agent.yaml was edited on the gateway; version 3 goes on.'],
    [
      { status: 'reverted', running: 2, error },
      'bad',
      /^Settings: gave version 3 up; version 2 runs again\. no connection within 60 s \(CONFIGURATION_NO_LINK\)\. Look/,
    ],
    [
      { status: 'rejected', running: 0, error },
      'bad',
      /^Settings: refused version 3; its own file stays\. no conn/,
    ],
  ] as const)('case %#', (change, tone, text) => {
    const words = settingsWords(gateway(change));
    expect(words?.tone).toBe(tone);
    expect(words?.text).toMatch(text);
  });

  it('name what runs', () => {
    expect(runningSettings(gatewayOf())).toBeNull();
    expect(runningSettings(gateway({ running: null }))).toBeNull();
    expect(runningSettings(gateway())).toBe('v3');
    expect(runningSettings(gateway({ running: 0 }))).toBe('own file');
  });
});
