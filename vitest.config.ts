import { defineConfig } from 'vitest/config';
import { NEVER, unitTests } from './test/unit-tests.ts';

/**
 * Tests that start whole processes, own the machine, and would disturb each other: one file at a time, after the rest. What only reads the
 * repository is not among them.
 */
const ALONE = ['test/!(architecture|errors|house-rules|links|static|systemd|unit-tests).test.ts'];

/** What `npm run test:unit` runs. */
const UNIT = unitTests();

/** Files share two cores; encrypted arithmetic in one of them starts threads of its own. */
const SHARED = {
  environment: 'node',
  pool: 'forks',
  maxWorkers: 2,
  testTimeout: 60_000,
  hookTimeout: 60_000,
} as const;

export default defineConfig({
  test: {
    reporters: ['default', './test/summary-reporter.ts'],
    slowTestThreshold: 2_000,
    projects: [
      { test: { ...SHARED, name: 'unit', include: UNIT, exclude: NEVER, sequence: { groupOrder: 1 } } },
      {
        test: {
          ...SHARED,
          name: 'parts',
          include: ['**/*.test.ts', '**/*.test.tsx'],
          exclude: [...NEVER, ...ALONE, ...UNIT],
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'whole',
          environment: 'node',
          pool: 'forks',
          include: ALONE,
          exclude: NEVER,
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 300_000,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
