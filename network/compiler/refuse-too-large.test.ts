import { describe, expect, it } from 'vitest';
import { refuseTooLarge } from './refuse-too-large.ts';

const GIB = 2 ** 30;

describe('refuseTooLarge', () => {
  it('lets constants and keys be larger than memory, up to a bound', () => {
    expect(() => refuseTooLarge({ registerBytes: GIB, memoryBytes: 60 * GIB })).not.toThrow();
    expect(() => refuseTooLarge({ registerBytes: GIB, memoryBytes: 130 * GIB })).toThrow(
      expect.objectContaining({ code: 'NETWORK_TOO_LARGE' }),
    );
  });

  it('refuses values that WebAssembly cannot address', () => {
    expect(() => refuseTooLarge({ registerBytes: 3.5 * GIB, memoryBytes: 4 * GIB })).toThrow(
      'for values alone, of the 4 GB that WebAssembly can address',
    );
  });
});
