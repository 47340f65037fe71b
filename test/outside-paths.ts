import { dirname, join } from 'node:path';

/** Words that lead to the folder beside the repository, whole or in pieces. */
const NAMED = /(?:\.\.\/|[/'"`])shared(?:\/(?:data|design|papers|hooks)\b|['"`])/g;
/** A way up from the repository itself. */
const FROM_ROOT = /\broot\b['"`}]*\s*,\s*['"`]\.\.|['"`]\.\.\/[^'"`\n]*['"`]\s*,\s*root\b/gi;
const FROM_FILE = /import\.meta\.dirname((?:\s*,\s*['"`][./]*\.\.[^'"`\n]*['"`])+)/g;
const RELATIVE = /['"`](\.{1,2}\/[^'"`\n$]*)/g;

/**
 * Places in a source that name a file outside of the repository.
 *
 * @param file its path, relative to the repository
 */
export function outsidePaths(file: string, source: string): string[] {
  const folder = dirname(file);
  const depth = folder === '.' ? 0 : folder.split('/').length;
  const found = [...source.matchAll(NAMED), ...source.matchAll(FROM_ROOT)].map(([text]) => text);
  for (const [text, steps] of source.matchAll(FROM_FILE)) {
    if ((steps!.match(/\.\./g) ?? []).length > depth) found.push(text);
  }
  for (const [, path] of source.matchAll(RELATIVE)) {
    if (join(folder, path!).startsWith('..')) found.push(path!);
  }
  return found;
}
