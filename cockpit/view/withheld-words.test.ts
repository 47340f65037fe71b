import { describe, expect, it } from 'vitest';
import type { Interpreted } from '../../fhe/secret/interpret.ts';
import { withheldWords } from './withheld-words.ts';

type Reason = Extract<Interpreted, { ok: false }>['reason'];

/** A record, so that the compiler misses here what the decryptor learns to say. */
const REASONS: Readonly<Record<Reason, true>> = {
  slots: true,
  'not-finite': true,
  'not-zero': true,
  'copies-differ': true,
  'out-of-range': true,
  'no-logit': true,
};

describe('withheldWords', () => {
  it.each(Object.keys(REASONS))('has words for %s, as the decryptor says it', (reason) => {
    expect(withheldWords(reason)).toMatch(/^[a-z].+ .+[a-z]$/);
  });

  it('shows what it does not know as it is', () => {
    expect(withheldWords('toString')).toBe('toString');
  });
});
