import type { Interpretation } from './interpretation.ts';

/** How often an answer repeats itself in its slots: so many answers at most have room in one ciphertext. */
export function copiesOf({ expected }: Pick<Interpretation, 'expected'>): number {
  let period = expected.length;
  while (period % 2 === 0 && repeats(expected, period / 2)) period /= 2;
  return expected.length / period;
}

function repeats(values: Int32Array, period: number): boolean {
  for (let i = period; i < values.length; i++) if (values[i] !== values[i - period]) return false;
  return true;
}
