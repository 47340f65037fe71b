import { randomInt } from 'node:crypto';
import fc from 'fast-check';
import { onTestFailed } from 'vitest';

/**
 * Delays of a test that is to pass whatever they are: others in every run, whose seed a failure prints.
 *
 * @param maxMs inclusive; they begin at 0.
 */
export function seededDelays(count: number, maxMs: number): number[] {
  const given = process.env.BLINDSIGHT_TEST_SEED;
  const seed = given === undefined ? randomInt(2 ** 31) : Number(given);
  onTestFailed(() => console.error(`the delays were drawn with BLINDSIGHT_TEST_SEED=${seed}`));
  return fc.sample(fc.nat(maxMs), { seed, numRuns: count });
}
