import { describe, expect, it } from 'vitest';
import { editDistance, suggest } from './suggest.ts';

describe('suggest', () => {
  it.each([
    ['ragion', ['region', 'rate', 'name'], 'region'],
    ['reigon', ['region'], 'region'],
    ['max_megabytes', ['maxMegabytes', 'maxAgeHours'], 'maxMegabytes'],
    ['Level', ['level'], 'level'],
    ['banana', ['region', 'rate'], undefined],
    ['x', [], undefined],
  ])('%s among %j: %s', (word, candidates, expected) => expect(suggest(word, candidates)).toBe(expected));
});

describe('editDistance', () => {
  it.each([
    ['', 'abc', 3],
    ['kitten', 'sitting', 3],
    ['ab', 'ba', 1],
    ['same', 'same', 0],
  ])('%s to %s is %i', (a, b, expected) => expect(editDistance(a, b)).toBe(expected));
});
