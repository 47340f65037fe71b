import { describe, expect, it } from 'vitest';
import { FIXTURE_TIME, gatewayOf } from '../testing/fixtures.ts';
import { plain } from '../testing/plain.ts';
import { auditWords, noAuditsWords } from './audit-words.ts';

const NOW = Date.parse(FIXTURE_TIME);
const audit = { equal: 0, unequal: 0, missing: 0, lastEqual: null, waiting: 0, undone: 0 };
const words = (change: object) => plain(auditWords(gatewayOf({ audit: { ...audit, ...change } }), NOW));

describe('words about audits', () => {
  it('say how many answers were audited and when the last one was equal', () => {
    expect(words({})).toBe('none yet');
    const lastEqual = new Date(NOW - 10_000).toISOString();
    expect(words({ equal: 1234, lastEqual })).toBe('1 234 answers, last equal 10 s ago');
    expect(words({ equal: 1, lastEqual: FIXTURE_TIME })).toBe('1 answer, last equal now');
    expect(words({ waiting: 2, undone: 1 })).toBe('0 answers, 2 waiting, 1 to be tried again');
    expect(words({ equal: 1, unequal: 1, missing: 2, lastEqual })).toBe(
      '4 answers, last equal 10 s ago, 1 unequal, 2 missing',
    );
  });

  it('say once that nothing is audited', () => {
    expect(noAuditsWords({ auditShare: 0.02 })).toBeNull();
    expect(noAuditsWords({ auditShare: 0 })).toContain('not audited');
  });
});
