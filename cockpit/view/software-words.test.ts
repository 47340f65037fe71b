import { describe, expect, it } from 'vitest';
import type { GatewaySoftware } from '#protocol/api.ts';
import { gatewayOf } from '../testing/fixtures.ts';
import { softwareCell, softwareWords } from './software-words.ts';

const software = (change: Partial<GatewaySoftware>) =>
  gatewayOf({
    software: {
      ...{
        version: '1.0',
        platform: 'linux-x64',
        wanted: '1.1',
        status: 'waiting',
        detail: null,
        since: null,
      },
      ...change,
    },
  });

describe('the program of a gateway', () => {
  it.each([
    [{ status: 'waiting' }, '1.0 → 1.1', 'wait', 'Software: 1.1 waits for the gateway.'],
    [{ status: 'testing' }, '1.0 → 1.1', 'wait', 'Software: 1.1 is on trial.'],
    [
      { status: 'refused', detail: 'X: no room' },
      '1.0, refused 1.1',
      'bad',
      'Software: refused 1.1; what ran goes on. X: no room.',
    ],
    [
      { status: 'rolled-back' },
      '1.0, gave 1.1 up',
      'bad',
      'Software: gave 1.1 up; what ran before runs again.',
    ],
  ] as const)('is told where a release is on its way or came to nothing: %j', (change, text, tone, words) => {
    expect(softwareCell(software(change))).toEqual({ text, tone });
    expect(softwareWords(software(change))).toEqual({ tone, text: words, progress: null });
  });

  it('is a version where there is nothing to tell', () => {
    for (const gateway of [
      software({ version: '1.1', status: 'active' }),
      software({ wanted: null, status: null }),
    ])
      expect(softwareWords(gateway)).toBeNull();
    expect(softwareCell(software({ version: '1.1', status: 'active' }))).toEqual({
      text: '1.1',
      tone: 'good',
    });
    expect(softwareCell(gatewayOf({ version: '0.9' })).text).toBe('0.9');
  });
});
