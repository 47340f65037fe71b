import { describe, expect, it } from 'vitest';
import type { History } from '#protocol/api.ts';
import { emptyHistory } from '#protocol/thin-history.ts';
import { mapResultOf, resultOf } from '../testing/fixtures.ts';
import { plain } from '../testing/plain.ts';
import { addResult, historyWords, mergeHistory, spanWords, startMs, WINDOW_MS } from './history.ts';

const NOW_MS = Date.parse('2026-03-01T12:00:00.000Z');
const at = (ageMs: number, person: number) =>
  resultOf({
    frameTime: new Date(NOW_MS - ageMs).toISOString(),
    probabilities: { empty: 1 - person, person },
  });
const historyOf = (times: readonly number[], person: readonly number[]): History => ({
  ...emptyHistory('counter'),
  labels: ['empty', 'person'],
  times,
  answers: times.map(() => 1),
  probabilities: [person.map((value) => 1 - value), person],
});

describe('addResult', () => {
  it('begins an empty history', () => {
    expect(addResult(emptyHistory('counter'), at(1000, 0.75), NOW_MS)).toEqual(
      historyOf([NOW_MS - 1000], [0.75]),
    );
  });

  it('puts a late answer in its place in time', () => {
    const history = historyOf([NOW_MS - 3000, NOW_MS - 1000], [1, 0]);
    expect(addResult(history, at(2000, 0.5), NOW_MS)).toEqual(
      historyOf([NOW_MS - 3000, NOW_MS - 2000, NOW_MS - 1000], [1, 0.5, 0]),
    );
  });

  it('counts one moment once', () => {
    const history = historyOf([NOW_MS - 1000], [1]);
    expect(addResult(history, at(1000, 0.5), NOW_MS)).toEqual(historyOf([NOW_MS - 1000], [0.5]));
  });

  it('forgets what is older than the window and takes nothing that is', () => {
    const history = historyOf([NOW_MS - WINDOW_MS - 1, NOW_MS - WINDOW_MS], [1, 1]);
    expect(addResult(history, at(0, 0), NOW_MS).times).toEqual([NOW_MS - WINDOW_MS, NOW_MS]);
    expect(addResult(history, at(WINDOW_MS + 1, 0), NOW_MS)).toBe(history);
  });

  it('gives a new label zeros for the past', () => {
    const history = historyOf([NOW_MS - 1000], [1]);
    const result = { ...at(0, 0), probabilities: { empty: 0, person: 0, dog: 1 } };
    const next = addResult(history, result, NOW_MS);
    expect(next.labels).toEqual(['empty', 'person', 'dog']);
    expect(next.probabilities[2]).toEqual([0, 1]);
  });
});

describe('a history of counts', () => {
  const counted = (ageMs: number, car: number) =>
    mapResultOf({ counts: { car }, frameTime: new Date(NOW_MS - ageMs).toISOString() });

  it('has them by label, in words and numbers', () => {
    const first = addResult(emptyHistory('counter'), counted(2000, 7), NOW_MS);
    const both = addResult(first, counted(1000, 3), NOW_MS);
    expect(both).toMatchObject({ task: 'map', labels: ['car'], counts: [[7, 3]], probabilities: [] });
    expect(historyWords(both, 'Last hour')).toBe('Last hour, 2 answers: at most 7 cars, at last 3.');
    expect(mergeHistory(first, both).counts).toEqual([[7, 3]]);
  });

  it('begins where another network told something else before', () => {
    const before = historyOf([NOW_MS - 3000], [1]);
    const next = addResult(before, counted(1000, 3), NOW_MS);
    expect(next).toMatchObject({ times: [NOW_MS - 1000], labels: ['car'], counts: [[3]] });
    expect(mergeHistory(before, next)).toBe(next);
    // What comes late does not end it.
    expect(addResult(next, at(2000, 1), NOW_MS)).toBe(next);
    const again = addResult(next, at(0, 1), NOW_MS);
    expect(again).toMatchObject({ labels: ['empty', 'person'], times: [NOW_MS] });
    expect(again).not.toHaveProperty('counts');
  });
});

describe('a history of answers without probabilities', () => {
  const told = (ageMs: number, label: string, output: 'label' | 'event') => {
    const {
      probability: _,
      probabilities: __,
      ...rest
    } = resultOf({
      frameTime: new Date(NOW_MS - ageMs).toISOString(),
    });
    return { ...rest, label, output };
  };

  it('has 1 for the label that was told', () => {
    const first = addResult(emptyHistory('counter'), told(2000, 'empty', 'label'), NOW_MS);
    const both = addResult(first, told(1000, 'person', 'label'), NOW_MS);
    expect(both).toMatchObject({ output: 'label', labels: ['empty', 'person'] });
    expect(both.probabilities).toEqual([
      [1, 0],
      [0, 1],
    ]);
  });

  it('keeps the event that held when the window began', () => {
    const old = addResult(emptyHistory('counter'), told(WINDOW_MS - 1, 'empty', 'event'), NOW_MS);
    const later = NOW_MS + WINDOW_MS / 2;
    const next = addResult(old, told(0, 'person', 'event'), later);
    expect(next.times).toEqual([NOW_MS - WINDOW_MS + 1, NOW_MS]);
    expect(historyWords(next, 'Last hour')).toBe('Last hour, 1 change, at last Person.');
  });
});

describe('mergeHistory', () => {
  it('appends only what is newer than what was fetched', () => {
    const merged = mergeHistory(historyOf([1000, 2000], [0, 1]), historyOf([2000, 3000], [0.5, 0.25]));
    expect(merged).toEqual(historyOf([1000, 2000, 3000], [0, 1, 0.25]));
  });

  it('keeps live answers when nothing was stored', () => {
    const live = historyOf([2000], [0.5]);
    expect(mergeHistory(emptyHistory('counter'), live)).toEqual(live);
  });
});

describe('an hour of live answers at ten a second', () => {
  it('stays bounded, and loses neither a count nor a short event', () => {
    let history = emptyHistory('counter');
    let most = 0;
    for (let index = 0; index < 36_000; index++) {
      const person = index === 1234 ? 1 : 0;
      history = addResult(history, at(WINDOW_MS - index * 100, person), NOW_MS);
      most = Math.max(most, history.times.length);
    }
    expect(most).toBeLessThanOrEqual(3000);
    expect(history.times[0]).toBeLessThan(NOW_MS - WINDOW_MS + 5000);
    expect(history.probabilities[1]?.filter((value) => value === 1)).toHaveLength(1);
    expect(historyWords(history, 'Last hour')).toMatch(/^Last hour, 36.000 answers/);
  });
});

describe('the span of a time line', () => {
  const startOf = (times: readonly number[]) =>
    NOW_MS -
    startMs(
      historyOf(
        times,
        times.map(() => 0),
      ),
      NOW_MS,
    );

  it('begins where its data begin, a minute ago at the latest, an hour ago at the earliest', () => {
    expect(startOf([NOW_MS - 240_000, NOW_MS])).toBe(240_000);
    expect(startOf([NOW_MS - 3000])).toBe(60_000);
    expect(startOf([NOW_MS - 2 * WINDOW_MS, NOW_MS])).toBe(WINDOW_MS);
    expect(startOf([])).toBe(WINDOW_MS);
  });

  it('is called what it is', () => {
    expect(spanWords(NOW_MS - WINDOW_MS + 30_000, NOW_MS)).toBe('Last hour');
    expect(plain(spanWords(NOW_MS - 750_000, NOW_MS))).toBe('Last 12 min');
    expect(spanWords(NOW_MS - 60_000, NOW_MS)).toBe('Last minute');
    expect(spanWords(NOW_MS - 61_000, NOW_MS)).toBe('Last minute');
  });
});

describe('historyWords', () => {
  it('says how the hour was shared', () => {
    const history = historyOf([0, 1, 2, 3], [0, 1, 1, 0.9]);
    expect(historyWords(history, 'Last hour')).toBe('Last hour, 4 answers: Empty 25 %, Person 75 %.');
    const weighed = { ...history, answers: [7, 1, 1, 1] };
    expect(historyWords(weighed, 'Last hour')).toBe('Last hour, 10 answers: Empty 70 %, Person 30 %.');
    expect(historyWords(emptyHistory('counter'), 'Last hour')).toBe('No answers in the last hour.');
  });
});
