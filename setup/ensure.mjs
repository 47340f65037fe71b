import { ensureBuilds } from './builds.mjs';
import { ensureNpmPackages } from './npm-packages.mjs';
import { ensureSystemPackages } from './system-packages.mjs';

/**
 * Makes a fresh clone ready to run; a ready one costs a few milliseconds.
 *
 * @param {readonly import('./system-packages.mjs').Need[]} needs what system packages are needed for
 */
export async function ensure(needs) {
  await ensureNpmPackages();
  await ensureSystemPackages(needs);
  await ensureBuilds();
}
