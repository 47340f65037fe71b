import { afterEach, describe, expect, it, vi } from 'vitest';
import { FheError } from '#fhe';
import { BlindsightError } from '#protocol/errors.ts';
import { reportError } from './report-error.ts';

describe('reportError', () => {
  let said = '';
  const listen = () =>
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
      said += String(text);
      return true;
    });
  afterEach(() => {
    vi.restoreAllMocks();
    said = '';
  });

  it('says what happened, what to do, and the code', () => {
    listen();
    expect(reportError(new BlindsightError('SITE_MISSING', '/somewhere holds no site'))).toBe(1);
    expect(said).toMatch(/^blindsight: \/somewhere holds no site\n {2}\S.+\n {2}code: SITE_MISSING\n$/);
  });

  it('knows the errors of encrypted arithmetic too', () => {
    listen();
    expect(reportError(new FheError('FHE_SECURITY', 'too many primes'))).toBe(1);
    expect(said).toContain('code: FHE_SECURITY');
  });

  it('shows the stack of a defect', () => {
    listen();
    expect(reportError(new Error('impossible'))).toBe(70);
    expect(said).toContain('a bug in Blindsight: Error: impossible\n    at ');
  });
});
