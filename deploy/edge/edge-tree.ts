import { chmodSync, copyFileSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { SoftwarePlatform } from '#protocol/software.ts';
import { importClosure } from './closure.ts';
import { foreignPackages } from './foreign-packages.ts';

const ENTRIES = [
  'deploy/edge/main.ts',
  'deploy/edge/health-check.mjs',
  'agent/launcher/main.ts',
  // Loaded by a name that is put together at run time.
  'fhe/kernel/dist/kernel.release.wasm',
];

const PROGRAM = `#!/bin/sh
here=$(dirname "$(dirname "$(readlink -f "$0")")")
exec "$here/bin/node" "$here/deploy/edge/main.ts" "$@"
`;

/**
 * Starts the gateway's program with the arguments it gets: the update that is on trial, the one that proved itself last, or the one beside this script. It becomes that
 * program, so that signals and systemd reach it. A trial has a guard, which no error in the new program can stop.
 */
export const LAUNCH_AGENT = `#!/bin/sh
here=$(dirname "$(dirname "$(readlink -f "$0")")")
unset BLINDSIGHT_SLOT BLINDSIGHT_SOFTWARE
program=$here
if choice=$("$here/bin/node" "$here/agent/launcher/main.ts" "$@"); then
  BLINDSIGHT_SLOT=\${choice%% *}
  choice=\${choice#* }
  limit=\${choice%% *}
  BLINDSIGHT_SOFTWARE=\${choice#* }
  export BLINDSIGHT_SLOT BLINDSIGHT_SOFTWARE
  [ "$BLINDSIGHT_SLOT" = base ] || program=$BLINDSIGHT_SOFTWARE/$BLINDSIGHT_SLOT/program
  if [ "$limit" -gt 0 ]; then
    mark=$BLINDSIGHT_SOFTWARE/trial.$$
    : > "$mark"
    # Twice in the background, so that it is no child of the program, which would not expect one.
    ((sleep "$limit" && kill -0 $$ && mv "$mark" "$BLINDSIGHT_SOFTWARE/overdue" && kill -KILL $$) &) < /dev/null > /dev/null 2>&1
  fi
fi
exec "$program/bin/blindsight" agent "$@"
`;

/** The part of package.json that Node reads at run time. */
function edgeManifest(root: string): string {
  const { name, version, type, imports } = JSON.parse(
    readFileSync(join(root, 'package.json'), 'utf8'),
  ) as Record<string, unknown>;
  return `${JSON.stringify({ name, version, private: true, type, imports }, null, 2)}\n`;
}

/** The machine that this process runs on. */
export function ownPlatform(): SoftwarePlatform {
  return process.arch === 'arm64' ? 'linux-arm64' : 'linux-x64';
}

/**
 * Puts together what a gateway needs, and nothing else: own files and npm packages by import closure from the edge command line, the Node runtime,
 * and bin/blindsight.
 *
 * @param root the repository, with its packages installed
 * @param target a folder; it is made where it is missing
 * @param platform packages for another machine than this one come from the npm registry, by version and digest of package-lock.json
 */
export async function assembleEdgeTree(
  root: string,
  target: string,
  platform: SoftwarePlatform = ownPlatform(),
): Promise<{ readonly files: number; readonly packages: number }> {
  const { files, packages } = importClosure(root, ENTRIES);
  for (const file of files) {
    mkdirSync(join(target, dirname(file)), { recursive: true });
    copyFileSync(join(root, file), join(target, file));
  }
  mkdirSync(join(target, 'bin'), { recursive: true });
  const node = join(target, 'bin', 'node');
  if (platform === ownPlatform()) {
    for (const folder of packages) cpSync(join(root, folder), join(target, folder), { recursive: true });
    copyFileSync(process.execPath, node);
  } else {
    await foreignPackages(root, packages, platform, async (folder, source) => {
      if (folder.endsWith(`/node-${platform}`)) copyFileSync(join(source, 'bin', 'node'), node);
      else cpSync(source, join(target, folder), { recursive: true });
    });
  }
  chmodSync(node, 0o755);
  writeFileSync(join(target, 'package.json'), edgeManifest(root));
  writeFileSync(join(target, 'bin', 'blindsight'), PROGRAM);
  chmodSync(join(target, 'bin', 'blindsight'), 0o755);
  writeFileSync(join(target, 'bin', 'launch-agent'), LAUNCH_AGENT);
  chmodSync(join(target, 'bin', 'launch-agent'), 0o755);
  return { files: files.length, packages: packages.length };
}
