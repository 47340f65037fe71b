import { describe, expect, it } from 'vitest';
import { REFUSALS } from '../../backend/decryption/refusals.ts';
import { refusalWords } from './refusal-words.ts';

describe('refusalWords', () => {
  it.each(Object.keys(REFUSALS))('has a sentence for %s, as the backend counts it', (reason) => {
    expect(refusalWords(reason)).toMatch(/^[A-Z].+\.$/);
  });

  it('shows what it does not know as it is', () => {
    expect(refusalWords('constructor')).toBe('constructor');
  });
});
