import { createHash } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { create } from 'tar';
import type { SoftwarePlatform } from '#protocol/software.ts';
import { CONTENTS_FILE, parseContents, type SoftwareFile } from '#protocol/software-contents.ts';

/**
 * Packs the program in a folder as a release. RELEASE.json is made in the folder, modes are made uniform, and order and times are fixed: the same
 * files give the same bytes.
 *
 * @param level of compression, 1 (fast) to 9 (small)
 * @returns size and SHA-256 (hex) of the archive, and the version that package.json says
 * @throws BlindsightError SOFTWARE_INVALID where a gateway would not take these files: a name that is not plain, no bin/blindsight, too many
 */
export async function packProgram(
  folder: string,
  archive: string,
  platform: SoftwarePlatform,
  level = 9,
): Promise<{ readonly bytes: number; readonly sha256: string; readonly version: string }> {
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .filter((path) => path !== CONTENTS_FILE)
    .sort();
  const files = Object.fromEntries(paths.map((path) => [path, describe(join(folder, path))]));
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    readonly version: string;
  };
  const contents = Buffer.from(`${JSON.stringify({ schema: 1, version, platform, files }, null, 1)}\n`);
  parseContents(contents);
  writeFileSync(join(folder, CONTENTS_FILE), contents);
  chmodSync(join(folder, CONTENTS_FILE), 0o644);
  await create(
    {
      cwd: folder,
      file: archive,
      gzip: { level },
      portable: true,
      mtime: new Date(0),
      noDirRecurse: true,
      strict: true,
      // Without the `./` that keeps a name which begins with @ from being read as something else.
      onWriteEntry: (entry) => {
        entry.path = entry.path.slice(2);
      },
    },
    [CONTENTS_FILE, ...paths].map((path) => `./${path}`),
  );
  const packed = readFileSync(archive);
  return { bytes: packed.length, sha256: createHash('sha256').update(packed).digest('hex'), version };
}

function describe(path: string): SoftwareFile {
  const bytes = readFileSync(path);
  const executable = (statSync(path).mode & 0o100) !== 0;
  chmodSync(path, executable ? 0o755 : 0o644);
  return { bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex'), executable };
}
