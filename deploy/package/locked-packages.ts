import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Debian's name of a machine, and npm's. */
export const ARCHITECTURES = { amd64: 'x64', arm64: 'arm64' } as const;
export type Architecture = keyof typeof ARCHITECTURES;

/** The architecture that this process runs on. */
export const OWN_ARCHITECTURE: Architecture = process.arch === 'arm64' ? 'arm64' : 'amd64';

/** Of Node itself in a repository whose packages are installed. */
export function nodeOf(root: string, architecture: Architecture): string {
  return join(root, 'node_modules', `node-linux-${ARCHITECTURES[architecture]}`, 'bin', 'node');
}

/**
 * Makes a view of the repository with the npm packages of any machine: `npm ci` takes them by version and digest of package-lock.json, without
 * those for development, and runs no script of theirs.
 *
 * @param folder is made; everything but node_modules leads back to the repository
 * @throws what npm says where a package cannot be fetched, or is not the locked one
 */
export async function installLocked(
  repository: string,
  folder: string,
  architecture: Architecture,
): Promise<void> {
  mkdirSync(folder, { recursive: true });
  for (const name of ['package.json', 'package-lock.json', '.npmrc', 'CHANGELOG.md'])
    if (existsSync(join(repository, name))) copyFileSync(join(repository, name), join(folder, name));
  for (const entry of readdirSync(repository, { withFileTypes: true })) {
    if (entry.isDirectory() && !/^(\.|node_modules$|dist$)/.test(entry.name))
      symlinkSync(join(repository, entry.name), join(folder, entry.name));
  }
  const machine = ['--os=linux', `--cpu=${ARCHITECTURES[architecture]}`, '--libc=glibc'];
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', '--prefer-offline'];
  await promisify(execFile)('npm', ['ci', '--omit=dev', ...machine, ...quiet], {
    cwd: folder,
    maxBuffer: 2 ** 24,
  });
}
