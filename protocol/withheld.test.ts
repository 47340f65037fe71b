import { describe, expect, it } from 'vitest';
import { withheldWords } from './withheld.ts';

describe('withheldWords', () => {
  it('says a reason in words, and one that it does not know as it is', () => {
    expect(withheldWords('no-logit')).toBe('a value was missing');
    expect(withheldWords('toString')).toBe('toString');
  });
});
