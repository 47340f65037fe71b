import { expect, it } from 'vitest';
import { DE } from './de.ts';
import { EN } from './en.ts';
import { pickLanguage, wordsOf } from './language.ts';

/** Every place in the words, and how many values it takes. */
function shape(words: object, path = ''): string[] {
  return Object.entries(words).flatMap(([key, value]) =>
    typeof value === 'object' && !Array.isArray(value) && key !== 'labels'
      ? shape(value as object, `${path}${key}.`)
      : [`${path}${key}`],
  );
}

it('picks the first language that somebody reads and the page has', () => {
  expect(pickLanguage(['fr-CH', 'de-AT', 'en'])).toBe('de');
  expect(pickLanguage(['fr'])).toBe('en');
  expect(pickLanguage([])).toBe('en');
  expect(wordsOf('de')).toBe(DE);
});

it('says everything in each language, and counts in English as people do', () => {
  expect(shape(DE)).toEqual(shape(EN));
  expect(DE.need.many(3)).not.toBe(EN.need.many(3));
  expect([1, 2, 3, 4, 11, 12, 21, 102, 113].map((count) => EN.camera.visit(count).split(' ')[0])).toEqual([
    ...['1st', '2nd', '3rd', '4th', '11th', '12th', '21st', '102nd', '113th'],
  ]);
});
