import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { createGunzip } from 'node:zlib';
import { Parser, type ReadEntry } from 'tar';
import { BlindsightError } from '#protocol/errors.ts';
import {
  CONTENTS_FILE,
  CONTENTS_MAX_BYTES,
  parseContents,
  type SoftwareContents,
  type SoftwareFile,
  unpackedBytes,
} from '#protocol/software-contents.ts';

/** Blocks around each file, the longest names, and the end of the archive. */
const BYTES_PER_FILE = 4_096;

/** The contents of an archive, with the bytes that the signed manifest holds the digest of. */
export type ReadContents = { readonly contents: SoftwareContents; readonly bytes: Uint8Array };

/**
 * Reads RELEASE.json, the first entry, of an archive of software (.tar.gz), and nothing else of it.
 * @throws BlindsightError SOFTWARE_INVALID where the file is no such archive
 */
export async function readContents(path: string): Promise<ReadContents> {
  let found: ReadContents | null = null;
  await walk(path, CONTENTS_MAX_BYTES + BYTES_PER_FILE, async (entry) => {
    found = await contentsOf(entry);
    return false;
  });
  return found ?? invalid('it is empty');
}

/**
 * Unpacks an archive into a folder that is empty, with RELEASE.json, and puts everything on the disk for good. Whatever is not a plain file of
 * the list in RELEASE.json, with exactly its size and digest, ends it: nothing is written outside of the folder, and never more than the list says.
 *
 * @param expected SHA-256, hex, of RELEASE.json, from a manifest whose signature was checked
 * @param admit called with the contents before another byte is unpacked; what it throws ends the unpacking
 * @throws BlindsightError SOFTWARE_INVALID; SOFTWARE_DIGEST where a file has another digest; what the disk says
 */
export async function unpackArchive(
  path: string,
  folder: string,
  expected: string,
  admit: (contents: SoftwareContents) => void | Promise<void>,
): Promise<SoftwareContents> {
  const { contents } = await readFiles(
    path,
    async (read) => {
      if (digest(read.bytes) !== expected)
        throw new BlindsightError('SOFTWARE_DIGEST', `${CONTENTS_FILE} is not the one of the manifest`);
      await admit(read.contents);
      await writeHashed(join(folder, CONTENTS_FILE), [read.bytes], false);
    },
    async (entry, { executable }) => {
      const target = join(folder, entry.path);
      await mkdir(dirname(target), { recursive: true, mode: 0o755 });
      return writeHashed(target, entry, executable);
    },
  );
  await syncAll(folder);
  return contents;
}

/**
 * Reads an archive to its end and checks all that {@link unpackArchive} checks, without writing anything.
 *
 * @param onProgress hears which share of the unpacked bytes has been read
 * @throws BlindsightError SOFTWARE_INVALID; SOFTWARE_DIGEST where a file has another digest; what the disk says
 */
export async function checkArchive(path: string, onProgress: (share: number) => void): Promise<ReadContents> {
  let total = 1;
  let bytes = 0;
  return readFiles(
    path,
    ({ contents }) => {
      total = Math.max(1, unpackedBytes(contents.files));
    },
    async (entry) => {
      const hash = createHash('sha256');
      for await (const piece of entry) hash.update(piece);
      bytes += entry.size;
      onProgress(bytes / total);
      return hash.digest('hex');
    },
  );
}

/**
 * Takes the files of an archive one by one, each of them in the list of RELEASE.json, once.
 *
 * @param begin called with the contents, before the first file
 * @param take returns the SHA-256, hex, of a file
 */
async function readFiles(
  path: string,
  begin: (read: ReadContents) => void | Promise<void>,
  take: (entry: ReadEntry, file: SoftwareFile) => Promise<string>,
): Promise<ReadContents> {
  let read: ReadContents | null = null;
  const missing = new Map<string, SoftwareFile>();
  await walk(path, CONTENTS_MAX_BYTES + BYTES_PER_FILE, async (entry, allow) => {
    if (read === null) {
      const first = await contentsOf(entry);
      await begin(first);
      read = first;
      const { files } = first.contents;
      for (const [name, file] of Object.entries(files)) missing.set(name, file);
      allow(unpackedBytes(files) + (missing.size + 1) * BYTES_PER_FILE);
      return true;
    }
    const file = missing.get(entry.path);
    if (file === undefined || entry.type !== 'File' || entry.size !== file.bytes)
      return invalid(`entry ${JSON.stringify(entry.path.slice(0, 200))} is not a file of its list`);
    missing.delete(entry.path);
    if ((await take(entry, file)) !== file.sha256)
      throw new BlindsightError('SOFTWARE_DIGEST', `${entry.path} has not the digest of the release`);
    return true;
  });
  if (read === null) return invalid('it is empty');
  const [lacking] = missing.keys();
  if (lacking !== undefined) invalid(`${lacking} is missing in it`);
  return read;
}

/**
 * Shows the entries one by one to `visit`, until that returns false.
 * @param maxBytes unpacked; `allow` sets it anew
 */
async function walk(
  path: string,
  maxBytes: number,
  visit: (entry: ReadEntry, allow: (maxBytes: number) => void) => Promise<boolean>,
): Promise<void> {
  const stopped = Promise.withResolvers<never>();
  stopped.promise.catch(() => {});
  let allowed = maxBytes;
  let visits: Promise<boolean> = Promise.resolve(true);
  let current: ReadEntry | null = null as ReadEntry | null;
  const parser = new Parser({
    strict: true,
    onReadEntry: (entry) => {
      current = entry;
      // Whoever reads it hears of its error; afterwards there is nobody to tell.
      entry.on('error', () => {});
      visits = visits.then(async (goesOn) => {
        if (!goesOn) return false;
        return await visit(entry, (more) => {
          allowed = more;
        });
      });
      visits.then((goesOn) => goesOn || stopped.reject(DONE), stopped.reject);
    },
  });
  parser.on('error', stopped.reject);
  const source = createReadStream(path);
  const plain = createGunzip();
  source.on('error', (error) => plain.destroy(error)).pipe(plain);
  let bytes = 0;
  try {
    for await (const piece of plain as AsyncIterable<Buffer>) {
      // Also keeps the parser from finding another compressed archive in this one.
      if (bytes === 0 && piece[0] !== CONTENTS_FILE.charCodeAt(0))
        invalid(`${CONTENTS_FILE} is not its first entry`);
      bytes += piece.length;
      const flows = parser.write(piece);
      if (!flows)
        await Promise.race([new Promise((resolve) => parser.once('drain', resolve)), stopped.promise]);
      if (bytes > allowed) invalid('it unpacks to more than its list says');
    }
    const ended = new Promise((resolve) => parser.once('end', resolve));
    parser.end();
    await Promise.race([ended, stopped.promise]);
    await visits;
  } catch (error) {
    if (error !== DONE)
      throw isSystemError(error) || error instanceof BlindsightError ? error : unreadable(error);
  } finally {
    source.destroy();
    plain.destroy();
    // In an archive that ends too early an entry waits for the rest of its bytes.
    current?.destroy(new Error('the archive ends too early'));
    await visits.catch(() => {});
  }
}

/** What {@link walk} ends with where its visitor has seen enough. */
const DONE = new Error('enough was read');

async function contentsOf(entry: ReadEntry): Promise<ReadContents> {
  if (entry.path !== CONTENTS_FILE || entry.type !== 'File' || entry.size > CONTENTS_MAX_BYTES)
    return invalid(`${CONTENTS_FILE} is not its first entry`);
  const pieces: Buffer[] = [];
  for await (const piece of entry) pieces.push(piece);
  const bytes = Buffer.concat(pieces);
  return { contents: parseContents(bytes), bytes };
}

/** @returns SHA-256, hex, of what was written */
async function writeHashed(
  path: string,
  pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  executable: boolean,
): Promise<string> {
  const hash = createHash('sha256');
  const mode = executable ? 0o755 : 0o644;
  const file = await open(path, 'wx', mode);
  try {
    await file.chmod(mode);
    for await (const piece of pieces) {
      hash.update(piece);
      await file.writeFile(piece);
    }
  } finally {
    await file.close();
  }
  return hash.digest('hex');
}

/**
 * Puts everything in a folder on the disk for good. By coreutils, since Node knows no syncfs(2), and thousands of files, each for itself, take a
 * minute on a memory card.
 */
async function syncAll(folder: string): Promise<void> {
  await promisify(execFile)('sync', ['-f', folder]);
}

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}

function unreadable(cause: unknown): BlindsightError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new BlindsightError('SOFTWARE_INVALID', `the archive cannot be read: ${why}`, { cause });
}

function invalid(why: string): never {
  throw new BlindsightError('SOFTWARE_INVALID', `this is no archive of a release: ${why}`);
}
