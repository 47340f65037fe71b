import { describe, expect, it } from 'vitest';
import { pathText, settingAt, settingLabel } from './json-schema.ts';

describe('the label of a setting', () => {
  it.each([
    ['maxAgeHours', {}, 'Max age (h)'],
    ['threads', {}, 'Threads'],
    ['stallSeconds', { title: 'Stalled after' }, 'Stalled after (s)'],
    ['rate', { title: 'Rate', unit: 'pictures a second' }, 'Rate (pictures a second)'],
    ['tokenFile', {}, 'Token file'],
  ])('of %s is in plain words, with its unit', (name, schema, label) => {
    expect(settingLabel([name], schema)).toBe(label);
  });
});

describe('the path of a setting', () => {
  it('is written as the backend does, and followed as far as there is something', () => {
    expect(pathText(['cameras', 0, 'masks', 1])).toBe('cameras[0].masks[1]');
    expect(settingAt({ cameras: [{ name: 'a' }] }, ['cameras', 0, 'name'])).toBe('a');
    for (const path of [['cameras', 3], ['constructor'], ['cameras', 'length', 'x']])
      expect(settingAt({ cameras: [] }, path)).toBeUndefined();
  });
});
