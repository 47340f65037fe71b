import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { resolveSubpath } from '../deploy/edge/resolve-subpath.ts';

/** The repository. */
export const root = dirname(import.meta.dirname);

/** Files that git tracks or would track, relative to the repository, sorted. */
export function repositoryFiles(): string[] {
  const list = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], {
    cwd: root,
    encoding: 'utf8',
  });
  const deleted = new Set(
    execFileSync('git', ['ls-files', '--deleted', '-z'], { cwd: root, encoding: 'utf8' }).split('\0'),
  );
  return list
    .split('\0')
    .filter((file) => file !== '' && !deleted.has(file))
    .sort();
}

export function readSource(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}

export function isTest(file: string): boolean {
  return file.startsWith('test/') || /\.test\.tsx?$/.test(file) || /(^|\/)testing\//.test(file);
}

const { imports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly imports: Readonly<Record<string, string>>;
};

/**
 * The repository path that a specifier of ours means, or null for packages and Node's own modules.
 *
 * @param file the importing file, relative to the repository
 */
export function resolveSpecifier(file: string, specifier: string): string | null {
  if (specifier.startsWith('#')) return resolveSubpath(imports, specifier);
  if (specifier.startsWith('.')) return join(dirname(file), specifier);
  return null;
}
