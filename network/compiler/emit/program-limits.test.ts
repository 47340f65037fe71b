import { describe, expect, it } from 'vitest';
import { refuseBeyondLimits } from './program-limits.ts';

const parts = (inputs: number, constants: number, instructions: number) => ({
  inputs: { length: inputs },
  constants: { length: constants },
  instructions: { length: instructions },
});

describe('ProgramLimits', () => {
  it('says in numbers what is too much, and what to do', () => {
    expect(() => refuseBeyondLimits(parts(1024, 65_536, 65_536), [3, 160, 160])).not.toThrow();
    for (const [given, message] of [
      [
        parts(1323, 1, 1),
        /a picture of 3×224×224 would be encrypted as 1323 ciphertexts, 1024 at most; use smaller pictures, a larger stride/,
      ],
      [parts(1, 70_000, 1), /70000 encrypted constants, 65536 at most; use fewer maps/],
      [parts(1, 1, 70_000), /70000 operations, 65536 at most/],
    ] as const) {
      expect(() => refuseBeyondLimits(given, [3, 224, 224])).toThrow(message);
      expect(() => refuseBeyondLimits(given, [3, 224, 224])).toThrow(
        expect.objectContaining({ code: 'NETWORK_TOO_LARGE' }),
      );
    }
  });
});
