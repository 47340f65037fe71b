import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { importSpecifiers } from './import-specifiers.ts';
import { resolveSubpath } from './resolve-subpath.ts';

/** What an entry file needs at run time, found by following imports. */
export type Closure = {
  /** Own files, relative to the repository, sorted. */
  readonly files: readonly string[];
  /** Folders of npm packages, relative to the repository ("node_modules/zod"), sorted. */
  readonly packages: readonly string[];
};

type Manifest = {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
};

function packageName(specifier: string): string {
  const parts = specifier.split('/');
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : parts[0]!;
}

/** The folder that Node would find a package in from within `from`, or null where it is not installed. */
function packageFolder(root: string, from: string, name: string): string | null {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name);
    if (existsSync(join(root, candidate, 'package.json'))) return candidate;
    if (folder === '.' || folder === '') return null;
  }
}

function addPackage(root: string, from: string, name: string, found: Set<string>): void {
  const folder = packageFolder(root, from, name);
  // Absent: an optional dependency for another platform.
  if (folder === null || found.has(folder)) return;
  found.add(folder);
  const manifest = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as Manifest;
  for (const group of [manifest.dependencies, manifest.optionalDependencies, manifest.peerDependencies]) {
    for (const dependency of Object.keys(group ?? {})) addPackage(root, folder, dependency, found);
  }
}

/** A file as it is, or every file below it where it is a folder (of worker scripts, for example). */
function* filesAt(root: string, path: string): Generator<string> {
  const entries =
    existsSync(join(root, path)) && !/\.\w+$/.test(path)
      ? readdirSync(join(root, path), { recursive: true, withFileTypes: true })
      : null;
  if (entries === null) yield path;
  else
    for (const entry of entries) if (entry.isFile()) yield relative(root, join(entry.parentPath, entry.name));
}

/**
 * Follows imports from entry files through the repository and its installed npm packages. Imports marked as type-only are left out:
 * Node erases them before it runs a file.
 *
 * @throws Error where an import names a file that is not there
 */
export function importClosure(root: string, entries: readonly string[]): Closure {
  const files = new Set<string>();
  const packages = new Set<string>();
  const queue = [...entries];
  const { imports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    readonly imports: Readonly<Record<string, string>>;
  };
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (files.has(file)) continue;
    if (!existsSync(join(root, file))) throw new Error(`${file} is imported but does not exist`);
    files.add(file);
    if (!/\.(ts|mjs|js)$/.test(file)) continue;
    const source = readFileSync(join(root, file), 'utf8').replace(
      /^\s*(?:import|export) type\s[^'"]*from\s*['"][^'"]+['"];?/gm,
      '',
    );
    for (const specifier of importSpecifiers(source)) {
      if (specifier.startsWith('#')) queue.push(resolveSubpath(imports, specifier));
      else if (specifier.startsWith('.')) queue.push(...filesAt(root, join(dirname(file), specifier)));
      else if (!isBuiltin(specifier)) addPackage(root, '.', packageName(specifier), packages);
    }
  }
  return { files: [...files].sort(), packages: [...packages].sort() };
}
