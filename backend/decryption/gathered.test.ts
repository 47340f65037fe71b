import { expect, it } from 'vitest';
import { Gathered } from './gathered.ts';

it('answers what is asked at the same time by one query, and each question once', async () => {
  const queries: (readonly string[])[] = [];
  const lengths = new Gathered<string, number>(
    (word) => word,
    async (words) => {
      queries.push(words);
      return new Map(words.filter((word) => word !== '').map((word) => [word, word.length]));
    },
  );
  expect(await Promise.all(['one', 'three', 'one', ''].map((word) => lengths.find(word)))).toEqual([
    3,
    5,
    3,
    undefined,
  ]);
  expect(await Promise.all(['seven', 'one'].map((word) => lengths.find(word)))).toEqual([5, 3]);
  expect(queries).toEqual([['one', 'three', ''], ['seven']]);
});

it('fails for all who asked, and takes the next questions', async () => {
  let isAway = true;
  const found = new Gathered<string, true>(
    (word) => word,
    async (words) => {
      if (isAway) throw new Error('away');
      return new Map(words.map((word) => [word, true]));
    },
  );
  const asked = await Promise.allSettled([found.find('a'), found.find('b')]);
  expect(asked.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  isAway = false;
  expect(await found.find('c')).toBe(true);
});
