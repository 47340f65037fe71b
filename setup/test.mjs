// npm test: sets up what is missing, runs every test, and ends with "N passed, N failed" alone on the last line.
// npm run test:unit: only those that need no process, broker, database, browser or encryption, and no packages of the system.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensure } from './ensure.mjs';
import { root } from './paths.mjs';
import { findRuntime } from './runtime.mjs';
import { runMain } from './setup-error.mjs';
import { TEST_NEEDS } from './system-packages.mjs';

/** @typedef {{ passed: number, failed: number }} Summary */

/**
 * @param {string} file
 * @returns {Summary | null} what test/summary-reporter.ts wrote, null where vitest did not get that far
 */
function readSummary(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return null;
  }
}

/**
 * @param {readonly string[]} args for vitest: file name filters, --reporter …
 * @returns {Promise<{ code: number, summary: Summary | null }>}
 */
async function runVitest(args) {
  const folder = mkdtempSync(join(tmpdir(), 'blindsight-test-'));
  const summaryFile = join(folder, 'summary.json');
  try {
    const runtime = findRuntime();
    const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
    const child = spawn(runtime, [vitest, 'run', ...args], {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: {
        ...process.env,
        PATH: `${join(runtime, '..')}:${process.env.PATH}`,
        BLINDSIGHT_TEST_SUMMARY: summaryFile,
      },
    });
    for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
      process.on(signal, () => child.kill(signal));
    }
    const code = await new Promise((resolve) => {
      child.on('error', () => resolve(1));
      child.on('exit', (exitCode) => resolve(exitCode ?? 1));
    });
    return { code, summary: readSummary(summaryFile) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const args = process.argv.slice(2);

await runMain(async () => {
  /** @type {Summary} */
  let result = { passed: 0, failed: 1 };
  try {
    await ensure(args.join(' ') === '--project unit' ? [] : TEST_NEEDS);
    const { code, summary } = await runVitest(args);
    if (summary !== null) result = summary;
    // An error outside of any test (or no test at all) must not look like success.
    if (code !== 0 && result.failed === 0) result = { ...result, failed: 1 };
    return result.failed === 0 ? 0 : 1;
  } finally {
    // Nothing else, also where tests are skipped: vitest counts those above.
    const { passed, failed } = result;
    process.on('exit', () => process.stdout.write(`${passed} passed, ${failed} failed\n`));
  }
});
