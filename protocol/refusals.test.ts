import { describe, expect, it } from 'vitest';
import { refusalCode } from './refusals.ts';

describe('refusalCode', () => {
  it('writes a reason as a code of the journal', () => {
    expect(refusalCode('too-old')).toBe('REFUSED_TOO_OLD');
    expect(refusalCode('size')).toBe('REFUSED_SIZE');
  });
});
