import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { capture, lastLines } from './child.mjs';
import { root } from './paths.mjs';
import { step } from './progress.mjs';
import { findRuntime } from './runtime.mjs';
import { SetupError } from './setup-error.mjs';

/** What is compiled on the spot instead of being kept in the repository. Each script sees by itself whether there is work. */
const BUILDS = {
  kernel: { title: 'Compiling the arithmetic kernel', script: 'fhe/kernel/build.mjs' },
  page: { title: 'Building the cockpit page', script: 'cockpit/build.mjs' },
};

/**
 * Builds what is missing or older than its sources. Needs the npm packages.
 *
 * @param {readonly string[]} [names] only these
 * @throws {SetupError} where a build fails
 */
export async function ensureBuilds(names = Object.keys(BUILDS)) {
  const wanted = Object.entries(BUILDS).filter(
    ([name, { script }]) => names.includes(name) && existsSync(join(root, script)),
  );
  await Promise.all(
    wanted.map(([, { title, script }]) =>
      step(title, async () => {
        const { code, output } = await capture(findRuntime(), [join(root, script)], { cwd: root });
        if (code === 0) return;
        throw new SetupError(
          `${title} failed (${script}, exit code ${code}):\n    ${lastLines(output, 20)}`,
          'This is a bug in the sources, or in a local change to them.',
        );
      }),
    ),
  );
}
