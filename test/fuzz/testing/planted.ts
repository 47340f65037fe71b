import { decode, encode } from 'cborg';
import type { Target } from '../target.ts';

type Planted = Target & { readonly expected: { readonly kind: string } };

const base = {
  sources: ['/test/fuzz/testing/planted'],
  refusals: [],
  seeds: () => [new TextEncoder().encode('seed')],
} as const;

/** Each condition is a block of its own, so that coverage tells them apart. */
function goDeep(input: Uint8Array): boolean {
  if (input[0] === 0xff) {
    if (input[1] === 0x7f) {
      if (input[2] === 0x01) {
        if (input[3] === 0x80) throw new Error('planted');
      }
    }
  }
  return true;
}

/** Parsers with a mistake each, to see that the fuzzer finds it, and one without. */
export const PLANTED = {
  none: { name: 'none', ...base, expected: { kind: '' }, run: () => true },
  deep: { name: 'deep', ...base, expected: { kind: 'error' }, run: goDeep },
  slow: {
    name: 'slow',
    ...base,
    maxMs: 20,
    expected: { kind: 'slow' },
    run(input) {
      const start = process.cpuUsage().user;
      while (input.length > 6 && process.cpuUsage().user - start < 60_000);
      return true;
    },
  },
  large: {
    name: 'large',
    ...base,
    expected: { kind: 'large' },
    run: (input) => input.length === 4 || new Float64Array(2 ** 24).length > 0,
  },
  twoForms: {
    name: 'two-forms',
    ...base,
    expected: { kind: 'error' },
    seeds: () => [encode({ a: 1, b: 2 })],
    run(input) {
      let value: unknown;
      try {
        value = decode(input);
      } catch {
        return false;
      }
      if (Buffer.compare(encode(value), input) !== 0) throw new Error('two forms');
      return true;
    },
  },
  refusedSeed: { name: 'refused-seed', ...base, expected: { kind: 'error' }, run: () => false },
} satisfies Record<string, Planted>;
