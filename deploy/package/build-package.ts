import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { billOfMaterials } from './bill-of-materials.ts';
import type { PackageContents } from './contents.ts';
import { libraryDependencies } from './library-versions.ts';
import { ARCHITECTURES, type Architecture, nodeOf } from './locked-packages.ts';

export type BuildOptions = {
  readonly contents: PackageContents;
  /** The repository, with the npm packages of `architecture`. */
  readonly root: string;
  readonly architecture: Architecture;
  /** The Node in it; by default, that of the packages. */
  readonly node?: string;
  /** Folder that gets the package. */
  readonly out: string;
  /** A folder of its own, which is filled, and emptied at the end. */
  readonly scratch: string;
  /** Time of everything in it, seconds since 1970: the same files give the same bytes. */
  readonly epochSeconds: number;
  /** How `dpkg-deb` packs. On one core, xz took a minute and a half where zstd takes ten seconds, for a tenth less. */
  readonly compression: 'zstd' | 'none';
};

export type BuiltPackage = {
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
  /** What it takes once it is installed. */
  readonly installedBytes: number;
};

const SCRIPTS = ['preinst', 'postinst', 'prerm', 'postrm'] as const;

/** Makes a Debian package, as any user. */
export async function buildPackage(options: BuildOptions): Promise<BuiltPackage> {
  const { contents, root, architecture, out, scratch, epochSeconds, compression } = options;
  const { name, prefix, units } = contents;
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const at = (...path: string[]) => {
    mkdirSync(dirname(join(scratch, ...path)), { recursive: true });
    return join(scratch, ...path);
  };
  await contents.assemble(
    root,
    at(prefix, '.').replace(/\/\.$/, ''),
    options.node ?? nodeOf(root, architecture),
  );
  leaveOut(join(scratch, prefix));
  for (const unit of units)
    copyFileSync(join(root, 'deploy/systemd', unit), at('usr/lib/systemd/system', unit));
  const documents = join('usr/share/doc', name);
  const node = `node-linux-${ARCHITECTURES[architecture]}`;
  const bill = await billOfMaterials(root, join(scratch, prefix), name, node, epochSeconds);
  writeFileSync(at(documents, 'sbom.cdx.json'), bill);
  for (const page of ['operations.md', 'errors.md'])
    copyFileSync(join(root, 'docs', page), at(documents, page));
  writeFileSync(
    at(documents, 'changelog.gz'),
    gzipSync(readFileSync(join(root, 'CHANGELOG.md')), { level: 9 }),
  );
  writeFileSync(at(documents, 'copyright'), copyright());

  const files = filesOf(scratch);
  const installedBytes = files.reduce((sum, file) => sum + statSync(join(scratch, file)).size, 0);
  const control = {
    Package: name,
    Version: version,
    Architecture: architecture,
    Maintainer: 'Blindsight <blindsight@localhost>',
    'Installed-Size': Math.ceil(installedBytes / 1024),
    Depends: [...libraryDependencies(join(scratch, prefix)), ...contents.depends].join(', '),
    Section: 'video',
    Priority: 'optional',
    Description: [contents.summary, ...contents.description.map((line) => ` ${line}`)].join('\n'),
  };
  const md5 = (file: string) =>
    createHash('md5')
      .update(readFileSync(join(scratch, file)))
      .digest('hex');
  writeFileSync(at('DEBIAN/md5sums'), files.map((file) => `${md5(file)}  ${file}\n`).join(''));
  writeFileSync(
    at('DEBIAN/control'),
    Object.entries(control)
      .map(([field, value]) => `${field}: ${value}\n`)
      .join(''),
  );
  for (const script of SCRIPTS) {
    const source = join(root, 'deploy/package/scripts', `${name.replace('blindsight-', '')}.${script}`);
    copyFileSync(source, at('DEBIAN', script));
  }
  evenOut(scratch, epochSeconds);
  const file = join(out, `${name}_${version}_${architecture}.deb`);
  mkdirSync(out, { recursive: true });
  rmSync(file, { force: true });
  // Blocks that several threads pack depend on their number.
  const packing = compression === 'none' ? ['-Znone'] : ['-Zzstd', '-z9', '--threads-max=1'];
  await promisify(execFile)('dpkg-deb', ['--root-owner-group', ...packing, '--build', scratch, file], {
    env: { ...process.env, SOURCE_DATE_EPOCH: String(epochSeconds) },
  });
  rmSync(scratch, { recursive: true });
  const bytes = readFileSync(file);
  return {
    file,
    bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    installedBytes,
  };
}

/** Files in the package, without those about it, sorted. */
function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}

/** What npm packages carry for compilers and debuggers only. */
const LEFT_OUT = /\.(map|d\.[cm]?ts|test\.[cm]?[jt]s)$/;
const LEFT_OUT_PACKAGES = ['@types', 'undici-types'];

function leaveOut(program: string): void {
  for (const name of LEFT_OUT_PACKAGES)
    rmSync(join(program, 'node_modules', name), { recursive: true, force: true });
  for (const file of filesOf(program).filter((path) => path.startsWith('node_modules/')))
    if (LEFT_OUT.test(file)) rmSync(join(program, file));
}

/** Modes and times, which depend on who made the files, and when. */
function evenOut(folder: string, epochSeconds: number): void {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) {
      const isProgram = /\/(bin|DEBIAN)$/.test(entry.parentPath) && !/md5sums|control/.test(basename(path));
      chmodSync(path, isProgram ? 0o755 : 0o644);
    } else if (entry.isDirectory()) chmodSync(path, 0o755);
    lutimesSync(path, epochSeconds, epochSeconds);
  }
  chmodSync(folder, 0o755);
  lutimesSync(folder, epochSeconds, epochSeconds);
}

function copyright(): string {
  return [
    'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/',
    'Comment: Blindsight is not licensed for use by others yet. The npm packages in it, and Node itself, have licenses of their own: sbom.cdx.json',
    ' beside this file names each, and their texts lie beside their code.',
    '',
  ].join('\n');
}
