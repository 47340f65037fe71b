import { writeFileSync } from 'node:fs';
import type { SerializedError } from 'vitest';
import type { Reporter, TestModule } from 'vitest/node';

/**
 * Writes `{passed, failed}` of a run to the file that $BLINDSIGHT_TEST_SUMMARY names; setup/test.mjs prints it
 * as the last line of `npm test`. A file that cannot be loaded and an error outside of any test count as failures.
 */
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    const file = process.env.BLINDSIGHT_TEST_SUMMARY;
    if (file === undefined) return;
    const summary = { passed: 0, failed: unhandledErrors.length };
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed') summary.passed++;
        else if (state !== 'skipped') summary.failed++;
      }
      summary.failed += module.errors().length;
      for (const suite of module.children.allSuites()) summary.failed += suite.errors().length;
    }
    writeFileSync(file, JSON.stringify(summary));
  }
}
