import { expect, it, vi } from 'vitest';
import { seededDelays } from './seeded-delays.ts';

it('draws the same delays with the same seed, and others without one', () => {
  vi.stubEnv('BLINDSIGHT_TEST_SEED', '7');
  const drawn = seededDelays(8, 1000);
  expect(seededDelays(8, 1000)).toEqual(drawn);
  vi.unstubAllEnvs();
  expect(seededDelays(8, 1000)).not.toEqual(drawn);
  expect(Math.max(...drawn)).toBeLessThanOrEqual(1000);
});
