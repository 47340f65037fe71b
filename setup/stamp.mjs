import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, stamps } from './paths.mjs';

/**
 * SHA-256 of a file, hex.
 *
 * @param {string} path relative to the repository
 */
export function digestOf(path) {
  return createHash('sha256')
    .update(readFileSync(join(root, path)))
    .digest('hex');
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
