import { capture, lastLines } from './child.mjs';
import { root } from './paths.mjs';
import { step } from './progress.mjs';
import { SetupError } from './setup-error.mjs';
import { digestOf, readStamp, writeStamp } from './stamp.mjs';

const STAMP = 'npm-packages';

// Not "npm ci": it demands that the lock file lists the packages of every platform, those of systems included that we do not run
// on. "install" without saving takes the same versions with the same checksums, and changes only what differs.
const ARGS = ['install', '--no-save', '--no-audit', '--no-fund', '--no-progress', '--loglevel=error'];

/** Error codes of npm that mean: the registry cannot be reached. */
const OFFLINE = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ENOTCACHED/;

/**
 * Installs the npm packages of package-lock.json, the Node 24 runtime among them, unless they are installed already.
 *
 * @throws {SetupError} where npm fails, with its last lines
 */
export async function ensureNpmPackages() {
  const wanted = `${digestOf('package-lock.json')} ${process.platform} ${process.arch}`;
  if (readStamp(STAMP) === wanted) return;
  await step('Installing npm packages', async () => {
    // Started by npm, its own program is known; it may not be on the PATH.
    const program = process.env.npm_execpath;
    const { code, output } = program?.endsWith('.js')
      ? await capture(process.execPath, [program, ...ARGS], { cwd: root })
      : await capture('npm', ARGS, { cwd: root });
    if (code === 0) return;
    throw new SetupError(
      `"npm install" failed with exit code ${code}:\n    ${lastLines(output)}`,
      OFFLINE.test(output)
        ? 'The npm registry cannot be reached. Connect to the network (or set a proxy or registry in ~/.npmrc) and try again.'
        : 'Fix the cause above and try again; "npm install --no-save --loglevel=warn" shows more.',
    );
  });
  writeStamp(STAMP, wanted);
}
