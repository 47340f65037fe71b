import { describe, expect, it } from 'vitest';
import { answerWords, thingWords } from './answer-words.ts';

describe('an answer in words', () => {
  it.each([
    [{ label: 'present' }, 'present'],
    [{ labels: ['rain', 'night'] }, 'rain, night'],
    [{ labels: [] }, 'none'],
    [{ counts: { person: 1 } }, '1 person'],
    [{ counts: { person: 4, car: 0 } }, '4 people, 0 cars'],
    [
      {
        counts: { person: 4 },
        zones: [
          { name: 'entrance', counts: { person: 2 } },
          { name: 'exit', counts: { person: 0 } },
        ],
      },
      '4 people: entrance 2, exit 0',
    ],
    [
      { counts: { person: 1, car: 3 }, zones: [{ name: 'gate', counts: { person: 0, car: 1 } }] },
      '1 person, 3 cars: gate 0 people, 1 car',
    ],
  ])('%j', (answer, words) => {
    expect(answerWords(answer as Parameters<typeof answerWords>[0])).toBe(words);
  });

  it.each([
    ['bus', 2, 'bus'],
    ['people', 2, 'people'],
    ['delivery_van', 0, 'delivery vans'],
    ['lorry', 2, 'lorries'],
    ['box', 3, 'boxes'],
  ])('names %s after %d', (label, count, words) => expect(thingWords(label, count)).toBe(words));
});
