import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { watchNpm } from './npm-parent.mjs';
import { compiled, root } from './paths.mjs';
import { findRuntime } from './runtime.mjs';

const SIGNALS = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);
const ORPHAN_CHECK_MS = 1_000;

/**
 * Number that a shell would report for a child that a signal ended.
 *
 * @type {Readonly<Record<string, number>>}
 */
const SIGNAL_EXIT = { SIGHUP: 129, SIGINT: 130, SIGKILL: 137, SIGTERM: 143 };

/**
 * Moves a camera address with a password out of the arguments into a 0600 file that the next process reads and deletes,
 * so that it stands in no process list.
 *
 * @param {readonly string[]} args
 * @returns {{ args: string[], file: string | null }}
 */
export function hideCamera(args) {
  const hidden = [...args];
  for (const [i, arg] of args.entries()) {
    const joined = arg.startsWith('--camera=');
    const url = joined ? arg.slice('--camera='.length) : arg === '--camera' ? args[i + 1] : undefined;
    if (url === undefined || !/^rtsps?:\/\/.*(?:@|pass|pwd|token|secret|auth|user)/i.test(url)) continue;
    const file = join(mkdtempSync(join(tmpdir(), 'blindsight-camera-')), 'url');
    writeFileSync(file, url, { mode: 0o600 });
    hidden.splice(i, joined ? 1 : 2, '--camera-file', file);
    return { args: hidden, file };
  }
  return { args: hidden, file: null };
}

/**
 * Hides a camera address with a password from process lists, also in the memory that shows the arguments of this very process: first thing, because
 * what is installed or built next may take minutes.
 *
 * @param {readonly string[]} args
 * @returns {string[]} arguments for {@link launch}
 */
export function concealCamera(args) {
  const { args: visible, file } = hideCamera(args);
  if (file !== null) {
    process.title = 'blindsight';
    const remove = () => rmSync(dirname(file), { recursive: true, force: true });
    process.once('exit', remove);
    for (const signal of SIGNALS) {
      process.once(signal, () => {
        remove();
        // Until the command line runs, nobody else acts on it.
        if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
      });
    }
  }
  return visible;
}

/**
 * Runs Blindsight's command line in the Node 24 runtime until it ends. Signals are passed on; if this process is
 * killed, the child sees its lifeline (file descriptor 3) close and ends as well.
 *
 * @param {readonly string[]} args
 * @returns {Promise<number>} exit code
 */
export async function launch(args) {
  const visible = concealCamera(args);
  const child = spawn(findRuntime(), [join(root, 'cli', 'main.ts'), ...visible], {
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
    env: { NODE_COMPILE_CACHE: compiled, ...process.env, BLINDSIGHT_LIFELINE: '3' },
  });
  for (const signal of SIGNALS) process.on(signal, () => child.kill(signal));
  const npmIsGone = watchNpm();
  const orphanCheck = setInterval(() => {
    if (npmIsGone()) child.kill('SIGTERM');
  }, ORPHAN_CHECK_MS);
  try {
    return await new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('exit', (code, signal) => resolve(code ?? SIGNAL_EXIT[signal ?? ''] ?? 1));
    });
  } finally {
    clearInterval(orphanCheck);
  }
}
