// Puts together what the machine of a site needs, and nothing else, in a folder: node deploy/site/assemble.ts TARGET
// Own files and npm packages by import closure from the command line, the built page and kernel, the Node runtime, and bin/blindsight.
import { copyFileSync, cpSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { importClosure } from '../edge/closure.ts';

/** Files that no import names: read, or run by another program. */
const READ = [
  'cockpit/dist/**/*.*',
  'fhe/kernel/dist/kernel.release.wasm',
  'demo/camera.py',
  'demo/counter/*',
  'config/*.example.yaml',
  'deploy/mosquitto/{acl,mosquitto.conf}',
  'docs/*.md',
];

/** The part of package.json that Node reads at run time. */
function manifest(root: string): string {
  const { name, version, type, imports } = JSON.parse(
    readFileSync(join(root, 'package.json'), 'utf8'),
  ) as Record<string, unknown>;
  return `${JSON.stringify({ name, version, private: true, type, imports }, null, 2)}\n`;
}

function assemble(root: string, target: string): void {
  const { files, packages } = importClosure(root, ['cli/main.ts', ...globSync(READ, { cwd: root })]);
  for (const file of files) {
    mkdirSync(join(target, dirname(file)), { recursive: true });
    copyFileSync(join(root, file), join(target, file));
  }
  // Types are read by the compiler only.
  const needed = packages.filter((folder) => !/(^|\/)(@types\/[^/]+|undici-types)$/.test(folder));
  for (const folder of needed) cpSync(join(root, folder), join(target, folder), { recursive: true });
  writeFileSync(join(target, 'package.json'), manifest(root));
  mkdirSync(join(target, 'bin'), { recursive: true });
  copyFileSync(process.execPath, join(target, 'bin', 'node'));
  copyFileSync(join(root, 'deploy/site/blindsight'), join(target, 'bin', 'blindsight'));
  process.stdout.write(`${target}: ${files.length} files, ${needed.length} packages\n`);
}

const [target] = process.argv.slice(2);
if (target === undefined) {
  process.stderr.write('usage: node deploy/site/assemble.ts TARGET\n');
  process.exitCode = 2;
} else {
  assemble(resolve(import.meta.dirname, '..', '..'), resolve(target));
}
