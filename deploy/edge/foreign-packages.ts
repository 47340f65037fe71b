import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { extract } from 'tar';
import type { SoftwarePlatform } from '#protocol/software.ts';

type Lock = {
  readonly packages: Readonly<Record<string, { readonly version: string; readonly integrity?: string }>>;
};

/**
 * Visits the packages of a program for another machine than this one: what is compiled for this machine is exchanged for its counterpart, which
 * npm fetches, and the other machine's Node comes in addition. Everything fetched has the digest of package-lock.json.
 *
 * @param packages folders of packages, relative to the repository
 * @param visit gets the folder where a package belongs, and one that holds it
 * @throws Error where a package has another digest, or npm cannot fetch it
 */
export async function foreignPackages(
  root: string,
  packages: readonly string[],
  platform: SoftwarePlatform,
  visit: (folder: string, source: string) => Promise<void>,
): Promise<void> {
  const own = platform === 'linux-x64' ? 'linux-arm64' : 'linux-x64';
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as Lock;
  const compiled = packages.filter((folder) => folder.endsWith(`-${own}`));
  for (const folder of packages) if (!compiled.includes(folder)) await visit(folder, join(root, folder));
  const counterparts = compiled.map((folder) => folder.slice(0, -own.length) + platform);
  for (const folder of [...counterparts, `node_modules/node-${platform}`]) {
    const scratch = mkdtempSync(join(tmpdir(), 'blindsight-package-'));
    try {
      await fetchPackage(lock, folder, scratch);
      await visit(folder, join(scratch, 'package'));
    } finally {
      rmSync(scratch, { recursive: true });
    }
  }
}

/** Leaves the package in `package`, in the scratch folder. */
async function fetchPackage(lock: Lock, folder: string, scratch: string): Promise<void> {
  const locked = lock.packages[folder];
  if (locked?.integrity === undefined) throw new Error(`package-lock.json does not know ${folder}`);
  const name = folder.replace(/^.*node_modules\//, '');
  execFileSync('npm', ['pack', '--silent', '--pack-destination', scratch, `${name}@${locked.version}`], {
    stdio: ['ignore', 'ignore', 'inherit'],
    cwd: scratch,
  });
  const file = readdirSync(scratch).find((entry) => entry.endsWith('.tgz'));
  if (file === undefined) throw new Error(`npm fetched nothing for ${name}`);
  const path = join(scratch, file);
  const integrity = `sha512-${createHash('sha512').update(readFileSync(path)).digest('base64')}`;
  if (integrity !== locked.integrity)
    throw new Error(`${basename(path)} has digest ${integrity}, package-lock.json says ${locked.integrity}`);
  mkdirSync(join(scratch, 'package'));
  await extract({ file: path, cwd: scratch, strict: true });
}
