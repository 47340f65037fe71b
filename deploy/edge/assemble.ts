// Puts together what a gateway needs, and nothing else, in a folder: node deploy/edge/assemble.ts TARGET
// Own files and npm packages by import closure from the edge command line, the Node runtime, and bin/blindsight.
import { chmodSync, copyFileSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { importClosure } from './closure.ts';

const ENTRIES = [
  'deploy/edge/main.ts',
  'deploy/edge/health-check.mjs',
  // Loaded by a name that is put together at run time.
  'fhe/kernel/dist/kernel.release.wasm',
];

const LAUNCHER = `#!/bin/sh
here=$(dirname "$(dirname "$(readlink -f "$0")")")
exec "$here/bin/node" "$here/deploy/edge/main.ts" "$@"
`;

/** The part of package.json that Node reads at run time. */
function edgeManifest(root: string): string {
  const { name, version, type, imports } = JSON.parse(
    readFileSync(join(root, 'package.json'), 'utf8'),
  ) as Record<string, unknown>;
  return `${JSON.stringify({ name, version, private: true, type, imports }, null, 2)}\n`;
}

function assemble(root: string, target: string): void {
  const { files, packages } = importClosure(root, ENTRIES);
  for (const file of files) {
    mkdirSync(join(target, dirname(file)), { recursive: true });
    copyFileSync(join(root, file), join(target, file));
  }
  for (const folder of packages) cpSync(join(root, folder), join(target, folder), { recursive: true });
  writeFileSync(join(target, 'package.json'), edgeManifest(root));
  mkdirSync(join(target, 'bin'), { recursive: true });
  copyFileSync(process.execPath, join(target, 'bin', 'node'));
  writeFileSync(join(target, 'bin', 'blindsight'), LAUNCHER);
  chmodSync(join(target, 'bin', 'blindsight'), 0o755);
  process.stdout.write(`${target}: ${files.length} files, ${packages.length} packages\n`);
}

const [target] = process.argv.slice(2);
if (target === undefined) {
  process.stderr.write('usage: node deploy/edge/assemble.ts TARGET\n');
  process.exitCode = 2;
} else {
  assemble(resolve(import.meta.dirname, '..', '..'), resolve(target));
}
