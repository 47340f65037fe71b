import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { SOFTWARE_PLATFORMS, type SoftwarePlatform } from '#protocol/software.ts';
import { ownPlatform } from './edge-tree.ts';

/** Reads `TARGET [--platform P]` from the command line; where it is something else, says the usage, sets exit code 2, and returns null. */
export function readArguments(
  script: string,
  name: string,
): { readonly root: string; readonly target: string; readonly platform: SoftwarePlatform } | null {
  try {
    const { values, positionals } = parseArgs({
      options: { platform: { type: 'string', default: ownPlatform() } },
      allowPositionals: true,
    });
    const [target, ...more] = positionals;
    const platform = SOFTWARE_PLATFORMS.find((known) => known === values.platform);
    if (target !== undefined && more.length === 0 && platform !== undefined)
      return { root: resolve(import.meta.dirname, '..', '..'), target, platform };
  } catch {
    // An option that there is none of: the usage says which there are.
  }
  process.stderr.write(
    `usage: node deploy/edge/${script} ${name} [--platform ${SOFTWARE_PLATFORMS.join('|')}]\n`,
  );
  process.exitCode = 2;
  return null;
}
