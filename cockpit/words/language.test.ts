import { expect, it } from 'vitest';
import { settingsSchema } from '#backend/configuration/settings-schema.ts';
import type { JsonSchema } from '../view/json-schema.ts';
import { DE } from './de.ts';
import { EN } from './en.ts';
import { pickLanguage, wordsOf } from './language.ts';

/** What English needs no words for. */
const BESIDE = ['labels', 'settingNames'];

/** Every place in the words, and how many values it takes. */
function shape(words: object, path = ''): string[] {
  return Object.entries(words).flatMap(([key, value]) =>
    typeof value === 'object' && !Array.isArray(value) && !BESIDE.includes(key)
      ? shape(value as object, `${path}${key}.`)
      : [`${path}${key}`],
  );
}

/** Called so in both languages. */
const SAME = ['Gateway', 'Gateways', 'Journal', 'Info', 'Live', 'Name', 'Stream', 'CSV', 'YAML'];

/** What words may be asked for: functions take numbers, texts, lists or truths. */
const SAMPLES = [2, '2', ['2'], true] as const;

/** What the words say, by their place; a function says something for each kind of value that it takes. */
function texts(words: object, path = ''): [place: string, text: string][] {
  return Object.entries(words).flatMap(([key, value]): [string, string][] => {
    const place = `${path}${key}`;
    if (typeof value === 'string') return [[place, value]];
    if (typeof value === 'object') return texts(value as object, `${place}.`);
    return SAMPLES.flatMap((sample): [string, string][] => {
      try {
        const said = (value as (...given: unknown[]) => unknown)(sample, sample, sample, sample);
        return typeof said === 'string' ? [[`${place}(${typeof sample})`, said]] : [];
      } catch {
        return [];
      }
    });
  });
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

it('says nothing in German as in English, apart from what is called so in both', () => {
  const english = new Map(texts(EN));
  const all = texts(DE);
  expect(all.length).toBeGreaterThan(500);
  const same = all.filter(([place, text]) => {
    const isWord = /\p{L}{3}/u.test(text.replaceAll(/undefined|true|false/g, ''));
    return isWord && english.get(place) === text && !SAME.includes(text);
  });
  expect(same).toEqual([]);
});

it('has German words for every setting that the form shows, and for no other', () => {
  const named = (schema: JsonSchema, path = ''): readonly string[] =>
    Object.entries(schema.properties ?? {}).flatMap(([name, child]) => {
      const place = `${path}${name}`;
      // What is drawn, or typed elsewhere, has words of its own.
      if (/^cameras\.(regions?|masks|credentials)$/.test(place)) return [];
      if (place === 'cameras') return child.items ? named(child.items, 'cameras.') : [];
      return [place, ...named(child, `${place}.`)];
    });
  const schema = settingsSchema() as JsonSchema;
  const names = DE.editor.settingNames;
  expect(Object.keys(names).sort()).toEqual([...named(schema)].sort());
});
