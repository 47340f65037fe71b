import { defineConfig } from 'vitest/config';
import { compiled } from './setup/paths.mjs';
import LongestFirst from './test/longest-first.ts';
import { NEVER, unitTests } from './test/unit-tests.ts';

// Tests start programs by the hundred.
process.env.NODE_COMPILE_CACHE ??= compiled;

/** Tests that start entire sites and machines: each takes long, and mostly waits. What only reads the repository is not among them. */
const WHOLE = ['test/!(architecture|errors|house-rules|links|static|systemd|unit-tests).test.ts'];

/** What `npm run test:unit` runs. */
const UNIT = unitTests();

/**
 * Node loads the arithmetic itself: vitest's module runner looks every import up at each call, which makes keys three times as slow. It imports nothing of
 * ours, so that no module is there twice.
 */
const HERE = import.meta.dirname.replace(/[^\w/]/g, '\\$&');
const ARITHMETIC = [new RegExp(`^${HERE}/fhe/(?!.*\\.test\\.ts$)`)];

/**
 * Four files share two cores: one of them waits all the time (for the first half, test/two-machines), another one more often than not: for a camera,
 * a broker or a deadline. They disturb each other by nothing but the processor: folders are temporary, ports free ones, and machines have a network,
 * processes and a disk of their own.
 */
const SHARED = {
  environment: 'node',
  pool: 'forks',
  maxWorkers: 4,
  server: { deps: { external: ARITHMETIC } },
  expect: { poll: { timeout: 60_000 } },
  sequence: { groupOrder: 1 },
} as const;

/** Not what a test may take: after which time it hangs, on a busy machine. */
const PATIENT = { testTimeout: 300_000, hookTimeout: 300_000 };
const MORE_PATIENT = { testTimeout: 600_000, hookTimeout: 600_000 };

export default defineConfig({
  test: {
    reporters: ['default', './test/summary-reporter.ts'],
    slowTestThreshold: 2_000,
    sequence: { sequencer: LongestFirst },
    projects: [
      // They reach nothing real and leave nothing behind: modules are loaded once for all of them, which is half of their time.
      { test: { ...SHARED, ...PATIENT, name: 'unit', include: UNIT, exclude: NEVER, isolate: false } },
      {
        test: {
          ...SHARED,
          ...PATIENT,
          name: 'parts',
          include: ['**/*.test.ts', '**/*.test.tsx'],
          exclude: [...NEVER, ...WHOLE, ...UNIT],
        },
      },
      { test: { ...SHARED, ...MORE_PATIENT, name: 'whole', include: WHOLE, exclude: NEVER } },
    ],
  },
});
