// Puts together what a gateway needs, and nothing else, in a folder: node deploy/edge/assemble.ts TARGET [--platform linux-x64|linux-arm64]
import { resolve } from 'node:path';
import { assembleEdgeTree } from './edge-tree.ts';
import { readArguments } from './read-arguments.ts';

const given = readArguments('assemble.ts', 'TARGET');
if (given !== null) {
  const target = resolve(given.target);
  const { files, packages } = await assembleEdgeTree(given.root, target, given.platform);
  process.stdout.write(`${target}: ${files} files, ${packages} packages\n`);
}
