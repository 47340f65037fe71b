import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, stamps } from './paths.mjs';

/** Folders that never belong to the sources of a build. */
const NOT_SOURCES = new Set(['node_modules', 'dist', 'build', 'data', '.git']);

/** @param {string} path */
function* filesBelow(path) {
  const entries = readdirSync(join(root, path), { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const child = `${path}/${entry.name}`;
    if (entry.isDirectory()) {
      if (!NOT_SOURCES.has(entry.name)) yield* filesBelow(child);
    } else if (!entry.name.endsWith('.wasm') && !entry.name.endsWith('.test.ts')) {
      yield child;
    }
  }
}

/**
 * SHA-256 over names and contents of files and of everything below folders. What does not exist counts as absent.
 *
 * @param {readonly string[]} paths relative to the repository
 */
export function digestOf(paths) {
  const hash = createHash('sha256');
  for (const path of paths) {
    /** @type {Iterable<string>} */
    let files = [path];
    try {
      files = [...filesBelow(path)];
    } catch {
      // a file, or nothing
    }
    for (const file of files) {
      hash.update(`${file}\0`);
      try {
        hash.update(readFileSync(join(root, file)));
      } catch {
        hash.update('absent');
      }
    }
  }
  return hash.digest('hex');
}

/**
 * @param {string} name
 * @returns {string | null} what the last finished run of the step wrote
 */
export function readStamp(name) {
  try {
    return readFileSync(join(stamps, name), 'utf8');
  } catch {
    return null;
  }
}

/**
 * @param {string} name
 * @param {string} value
 */
export function writeStamp(name, value) {
  mkdirSync(stamps, { recursive: true });
  const temporary = join(stamps, `${name}.${process.pid}`);
  writeFileSync(temporary, value);
  renameSync(temporary, join(stamps, name));
}
