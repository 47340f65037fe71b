// Makes the archive of a release of the gateway's program: node deploy/edge/archive.ts OUT.tar.gz [--platform linux-x64|linux-arm64]
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { assembleEdgeTree } from './edge-tree.ts';
import { packProgram } from './pack-program.ts';
import { readArguments } from './read-arguments.ts';

const given = readArguments('archive.ts', 'OUT.tar.gz');
if (given !== null) {
  const scratch = mkdtempSync(join(tmpdir(), 'blindsight-archive-'));
  try {
    await assembleEdgeTree(given.root, scratch, given.platform);
    const { bytes, sha256, version } = await packProgram(scratch, resolve(given.target), given.platform);
    process.stdout.write(
      `${given.target}: version ${version} for ${given.platform}, ${bytes} bytes, SHA-256 ${sha256}\n`,
    );
  } finally {
    rmSync(scratch, { recursive: true });
  }
}
