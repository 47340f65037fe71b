import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { capture, lastLines } from './child.mjs';
import { root } from './paths.mjs';
import { step } from './progress.mjs';
import { findRuntime } from './runtime.mjs';
import { SetupError } from './setup-error.mjs';
import { digestOf, readStamp, writeStamp } from './stamp.mjs';

/** What is compiled on the spot instead of being kept in the repository. */
const BUILDS = [
  {
    name: 'kernel',
    title: 'Compiling the arithmetic kernel',
    script: 'fhe/kernel/build.mjs',
    sources: ['fhe/kernel', 'package-lock.json'],
    outputs: ['fhe/kernel/build'],
  },
  {
    name: 'page',
    title: 'Building the cockpit page',
    script: 'cockpit/build.mjs',
    sources: ['cockpit', 'protocol', 'package-lock.json'],
    outputs: ['cockpit/dist/index.html'],
  },
];

/**
 * Builds what is missing or older than its sources. Needs the npm packages.
 *
 * @param {readonly string[]} [names] only these; all where none is named
 * @throws {SetupError} where a build fails
 */
export async function ensureBuilds(names = []) {
  for (const { name, title, script, sources, outputs } of BUILDS) {
    if (names.length > 0 && !names.includes(name)) continue;
    if (!existsSync(join(root, script))) continue;
    const wanted = digestOf(sources);
    const complete = outputs.every((output) => existsSync(join(root, output)));
    if (complete && readStamp(name) === wanted) continue;
    await step(title, async () => {
      const { code, output } = await capture(findRuntime(), [join(root, script)], { cwd: root });
      if (code === 0) return;
      throw new SetupError(
        `${title} failed (${script}, exit code ${code}):\n    ${lastLines(output, 20)}`,
        'This is a defect of the sources as they are, or of a local change to them.',
      );
    });
    writeStamp(name, wanted);
  }
}
