import { describe, expect, it } from 'vitest';
import { refusalWords } from './refusal-words.ts';

describe('refusalWords', () => {
  it('says what happened and what to do', () => {
    expect(refusalWords('version')).toBe(
      'Another version of Blindsight wrote the answer. Update the backend before the gateways.',
    );
    expect(refusalWords('too-many')).toMatch(/than it may \(answers\.perCameraPerSecond\)\. Raise/);
  });

  it('shows what it does not know as it is', () => {
    expect(refusalWords('constructor')).toBe('constructor');
  });
});
