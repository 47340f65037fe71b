import { expect, it } from 'vitest';
import type { LeakView } from '#protocol/api.ts';
import { leakWords } from './leak-words.ts';

it('says how long a key is safe', () => {
  const words = (change: Partial<LeakView>) =>
    leakWords({ state: 'safe', bits: 1, keyBits: 6492, safeDays: null, ...change });
  expect(words({})).toBe('Safe while audits go on');
  expect(words({ safeDays: 1 })).toBe('Safe for about 1 more day');
  expect(words({ state: 'warning', safeDays: 12 })).toBe('Safe for about 12 more days');
  expect(words({ state: 'spent', safeDays: 0 })).toBe('To be replaced');
});
