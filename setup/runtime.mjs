import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './paths.mjs';
import { SetupError } from './setup-error.mjs';

const NEEDED_MAJOR = 24;

/**
 * The Node 24 program that runs Blindsight: the one that came with the npm packages, or this one where it is new enough.
 *
 * @throws {SetupError} on platforms for which npm carries none
 */
export function findRuntime() {
  const bundled = join(root, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node');
  if (existsSync(bundled)) return bundled;
  if (Number(process.versions.node.split('.')[0]) >= NEEDED_MAJOR) return process.execPath;
  throw new SetupError(
    `no Node.js ${NEEDED_MAJOR} for ${process.platform}-${process.arch} came with the npm packages, and this is ${process.version}`,
    `Install Node.js ${NEEDED_MAJOR} or later (https://nodejs.org) and try again.`,
  );
}
