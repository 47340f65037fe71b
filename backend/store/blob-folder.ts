import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readdir, readFile, rename, rm, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { BlindsightError } from '#protocol/errors.ts';
import { ensureDirectory, syncFolder, writeFileAtomic } from '#runtime/files.ts';
import { HashedFile } from '#runtime/hashed-file.ts';

const DIGEST = /^[0-9a-f]{64}$/;
const LEFTOVER = /^\.[0-9a-f]{12}\.tmp$/;
/** No copy takes longer. */
const LEFTOVER_MS = 86_400_000;

/** Large things as files, each named by the SHA-256 of its bytes: bundle parts and archives of software (public), and sealed networks. */
export class BlobFolder {
  readonly #directory: string;

  /** @param directory created if missing. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  #path(sha256: string): string {
    if (!DIGEST.test(sha256)) throw new BlindsightError('BUNDLE_DAMAGED', 'not a SHA-256 digest');
    return join(this.#directory, sha256);
  }

  /** Stores bytes durably. @returns their SHA-256, hex. */
  async put(bytes: Uint8Array): Promise<string> {
    const sha256 = digestOf(bytes);
    await ensureDirectory(this.#directory);
    await writeFileAtomic(this.#path(sha256), bytes, { mode: 0o600 });
    return sha256;
  }

  /**
   * Stores a copy of a large file durably.
   *
   * @param check looks at the copy before it is kept; what it throws leaves nothing behind
   * @param onProgress hears which share has been copied
   * @param signal ends the copy
   * @returns SHA-256, hex, and bytes of the file, and what `check` returned
   */
  async putFile<T>(
    source: string,
    check: (copy: string) => Promise<T>,
    onProgress: (share: number) => void = () => {},
    signal?: AbortSignal,
  ): Promise<{ readonly sha256: string; readonly bytes: number; readonly checked: T }> {
    await ensureDirectory(this.#directory);
    await this.#removeLeftovers();
    const copy = join(this.#directory, `.${randomBytes(6).toString('hex')}.tmp`);
    try {
      const hash = createHash('sha256');
      const total = Math.max(1, (await stat(source)).size);
      let bytes = 0;
      const file = await open(copy, 'wx', 0o600);
      try {
        for await (const piece of createReadStream(source) as AsyncIterable<Buffer>) {
          signal?.throwIfAborted();
          hash.update(piece);
          await file.writeFile(piece);
          bytes += piece.length;
          onProgress(Math.min(1, bytes / total));
        }
        await file.sync();
      } finally {
        await file.close();
      }
      const checked = await check(copy);
      signal?.throwIfAborted();
      const sha256 = hash.digest('hex');
      await rename(copy, this.#path(sha256));
      await syncFolder(this.#directory);
      return { sha256, bytes, checked };
    } catch (error) {
      await unlink(copy).catch(() => undefined);
      throw error;
    }
  }

  /** What copies that were cut short by a power failure have left. */
  async #removeLeftovers(): Promise<void> {
    for (const name of await readdir(this.#directory)) {
      if (!LEFTOVER.test(name)) continue;
      const path = join(this.#directory, name);
      const { mtimeMs } = await stat(path);
      if (Date.now() - mtimeMs > LEFTOVER_MS) await rm(path, { force: true });
    }
  }

  /**
   * Removes files that nobody refers to.
   *
   * @param inUse digests that stay; asked after the folder was read
   * @param beforeMs younger files stay: what refers to them may be on its way into the store
   * @returns how many were removed
   */
  async sweep(inUse: () => Promise<ReadonlySet<string>>, beforeMs: number): Promise<number> {
    const names = await readdir(this.#directory).catch(() => [] as string[]);
    const old: string[] = [];
    for (const name of names)
      if (DIGEST.test(name) && (await stat(join(this.#directory, name))).mtimeMs < beforeMs) old.push(name);
    if (old.length === 0) return 0;
    const used = await inUse();
    const removed = old.filter((name) => !used.has(name));
    for (const name of removed) {
      // Written anew meanwhile?
      if ((await stat(this.#path(name))).mtimeMs < beforeMs) await rm(this.#path(name), { force: true });
    }
    if (removed.length > 0) await syncFolder(this.#directory);
    return removed.length;
  }

  /** Removes a file; one that is not there is no error. */
  async remove(sha256: string): Promise<void> {
    await rm(this.#path(sha256), { force: true });
    await syncFolder(this.#directory);
  }

  /** @throws BlindsightError BUNDLE_DAMAGED where the file is missing or does not match its name. */
  async get(sha256: string): Promise<Uint8Array> {
    const bytes = await readFile(this.#path(sha256)).catch((cause: unknown) => {
      throw new BlindsightError('BUNDLE_DAMAGED', `cannot read ${this.#path(sha256)}`, { cause });
    });
    if (digestOf(bytes) !== sha256) {
      throw new BlindsightError('BUNDLE_DAMAGED', `${this.#path(sha256)} was changed`);
    }
    return bytes;
  }

  /** Opens a file that need not fit into memory. @param name for messages @throws BlindsightError FHE_DISK where it cannot be opened */
  open(sha256: string, name: string, bytes: number): HashedFile {
    return new HashedFile(this.#path(sha256), name, bytes);
  }

  /** Stores a copy of a file of another folder, which need not fit into memory. @throws BlindsightError as {@link get} */
  async putFrom(other: BlobFolder, sha256: string): Promise<void> {
    const source = other.#path(sha256);
    await stat(source).catch((cause: unknown) => {
      throw new BlindsightError('BUNDLE_DAMAGED', `cannot read ${source}`, { cause });
    });
    const { sha256: copied } = await this.putFile(source, () => Promise.resolve());
    if (copied === sha256) return;
    await this.remove(copied);
    throw new BlindsightError('BUNDLE_DAMAGED', `${source} was changed`);
  }

  /**
   * A piece of a file; whoever joins the pieces checks the digest of the file.
   *
   * @returns fewer than `length` bytes, or none, at the end.
   * @throws BlindsightError BUNDLE_DAMAGED where the file is missing.
   */
  async read(sha256: string, offset: number, length: number): Promise<Uint8Array> {
    const file = await open(this.#path(sha256), 'r').catch((cause: unknown) => {
      throw new BlindsightError('BUNDLE_DAMAGED', `cannot read ${this.#path(sha256)}`, { cause });
    });
    try {
      const buffer = new Uint8Array(length);
      const { bytesRead } = await file.read(buffer, 0, length, offset);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  }
}

/** Of one call of a hash, which takes less than 2 GiB. */
const PIECE_BYTES = 2 ** 28;

function digestOf(bytes: Uint8Array): string {
  const hash = createHash('sha256');
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) hash.update(bytes.subarray(at, at + PIECE_BYTES));
  return hash.digest('hex');
}
