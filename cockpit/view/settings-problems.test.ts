import { describe, expect, it } from 'vitest';
import { countWithin, problemsAt, problemsIn, settingsProblems } from './settings-problems.ts';

const MESSAGE = `settings:4:9: cameras[0].rate: expected at most 60, got 80
settings:7:3: cameras[0].masks[1][0][1]: expected at least 0, got -1
settings:9:1: outbo: unknown setting; did you mean "outbox"?
… and 3 more`;

describe('the mistakes that a message tells', () => {
  it('have line, path and words, whoever found them', () => {
    const problems = settingsProblems(MESSAGE);
    expect(problems).toEqual([
      { line: 4, path: 'cameras[0].rate', text: 'expected at most 60, got 80' },
      { line: 7, path: 'cameras[0].masks[1][0][1]', text: 'expected at least 0, got -1' },
      { line: 9, path: 'outbo', text: 'unknown setting; did you mean "outbox"?' },
    ]);
    expect(settingsProblems('version 7:4:12: cameras[0].rat: unknown setting')).toMatchObject([
      { line: 4, path: 'cameras[0].rat' },
    ]);
    expect(problemsAt(problems, 'cameras[0].rate')).toHaveLength(1);
    expect(countWithin(problems, 'cameras[0]')).toBe(2);
    expect(countWithin(problems, 'cameras[0].rat')).toBe(0);
    expect(problemsIn(problems, ['cameras', 0], ['region', 'masks'])).toEqual([problems[1]]);
  });

  it('have no path where the text is no YAML, and none where a sentence tells no place', () => {
    expect(settingsProblems('settings:2:5: Flow sequence must end with a ]')).toEqual([
      { line: 2, path: '', text: 'Flow sequence must end with a ]' },
    ]);
    expect(settingsProblems('settings:1:1: configuration: expected a map of settings, got nothing')).toEqual([
      { line: 1, path: '', text: 'expected a map of settings, got nothing' },
    ]);
    expect(settingsProblems('credentials came for camera door, whose settings name none')).toEqual([]);
  });
});
