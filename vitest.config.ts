import { defineConfig } from 'vitest/config';

/**
 * Tests that start whole processes, own the machine, and would disturb each other: one file at a time, after the rest. What only reads the
 * repository is not among them.
 */
const ALONE = ['test/!(architecture|errors|house-rules|links|static|systemd).test.ts'];

const NEVER = ['**/node_modules/**', '**/dist/**', '**/build/**', 'data/**'];

export default defineConfig({
  test: {
    reporters: ['default', './test/summary-reporter.ts'],
    slowTestThreshold: 2_000,
    projects: [
      {
        test: {
          name: 'unit',
          environment: 'node',
          pool: 'forks',
          include: ['**/*.test.ts', '**/*.test.tsx'],
          exclude: [...NEVER, ...ALONE],
          // Files share two cores; encrypted arithmetic in one of them starts threads of its own.
          maxWorkers: 2,
          testTimeout: 60_000,
          hookTimeout: 60_000,
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
