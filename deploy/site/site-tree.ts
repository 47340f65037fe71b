import { chmodSync, copyFileSync, cpSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { importClosure } from '../edge/closure.ts';

/** Files that no import names: read, or run by another program. */
const READ = [
  'cockpit/dist/index.html',
  'cockpit/dist/assets/*',
  'fhe/kernel/dist/kernel.release.wasm',
  'demo/camera.py',
  'demo/counter/*',
  'config/*.example.yaml',
  'deploy/mosquitto/{acl,mosquitto.conf}',
];

/** Read by the compiler only. */
const TYPES = /(^|\/)(@types\/[^/]+|undici-types)$/;

/** The part of package.json that Node reads at run time. */
function siteManifest(root: string): string {
  const { name, version, type, imports } = JSON.parse(
    readFileSync(join(root, 'package.json'), 'utf8'),
  ) as Record<string, unknown>;
  return `${JSON.stringify({ name, version, private: true, type, imports }, null, 2)}\n`;
}

/**
 * Puts together what the machine of a site needs, and nothing else: own files and npm packages by import closure from the command line, the
 * built page and kernel, the Node runtime, and bin/blindsight.
 *
 * @param root the repository, with its packages installed and its parts built
 * @param target a folder; it is made where it is missing
 * @param node the program that runs it
 */
export function assembleSiteTree(
  root: string,
  target: string,
  node: string,
): { readonly files: number; readonly packages: number } {
  const read = globSync(READ, { cwd: root }).sort();
  const { files, packages } = importClosure(root, ['cli/main.ts', ...read]);
  for (const file of files) {
    mkdirSync(join(target, dirname(file)), { recursive: true });
    copyFileSync(join(root, file), join(target, file));
  }
  const needed = packages.filter((folder) => !TYPES.test(folder));
  for (const folder of needed) cpSync(join(root, folder), join(target, folder), { recursive: true });
  writeFileSync(join(target, 'package.json'), siteManifest(root));
  mkdirSync(join(target, 'bin'), { recursive: true });
  copyFileSync(node, join(target, 'bin', 'node'));
  copyFileSync(join(root, 'deploy/site/blindsight'), join(target, 'bin', 'blindsight'));
  for (const program of ['node', 'blindsight']) chmodSync(join(target, 'bin', program), 0o755);
  return { files: files.length, packages: needed.length };
}
