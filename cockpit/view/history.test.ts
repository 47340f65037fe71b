import { describe, expect, it } from 'vitest';
import type { History } from '#protocol/api.ts';
import { resultOf } from '../testing/fixtures.ts';
import { addResult, emptyHistory, historyWords, mergeHistory, plotColumns, WINDOW_MS } from './history.ts';

const NOW_MS = Date.parse('2026-03-01T12:00:00.000Z');
const at = (ageMs: number, person: number) =>
  resultOf({
    frameTime: new Date(NOW_MS - ageMs).toISOString(),
    probabilities: { empty: 1 - person, person },
  });
const historyOf = (times: readonly number[], person: readonly number[]): History => ({
  camera: 'counter',
  labels: ['empty', 'person'],
  times,
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

describe('plotColumns', () => {
  it('breaks the line where nothing was known for over a minute', () => {
    const { times, columns } = plotColumns(historyOf([0, 60_000, 120_001], [0, 1, 0.5]));
    expect(times).toEqual([0, 60_000, 60_001, 120_001]);
    expect(columns[1]).toEqual([0, 1, null, 0.5]);
  });
});

describe('historyWords', () => {
  it('says how the hour was shared', () => {
    const history = historyOf([0, 1, 2, 3], [0, 1, 1, 0.9]);
    expect(historyWords(history, (name) => name)).toBe('Last hour, 4 answers: empty 25 %, person 75 %.');
    expect(historyWords(emptyHistory('counter'), String)).toBe('No answers in the last hour.');
  });
});
