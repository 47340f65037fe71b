import { createHash } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BlindsightError } from '#protocol/errors.ts';
import { ensureDirectory, writeFileAtomic } from '#runtime/files.ts';

const DIGEST = /^[0-9a-f]{64}$/;

/** Large things as files, each named by the SHA-256 of its bytes: bundle parts (public) and sealed networks. */
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
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    await ensureDirectory(this.#directory);
    await writeFileAtomic(this.#path(sha256), bytes, { mode: 0o600 });
    return sha256;
  }

  /** @throws BlindsightError BUNDLE_DAMAGED where the file is missing or does not match its name. */
  async get(sha256: string): Promise<Uint8Array> {
    const bytes = await readFile(this.#path(sha256)).catch((cause: unknown) => {
      throw new BlindsightError('BUNDLE_DAMAGED', `cannot read ${this.#path(sha256)}`, { cause });
    });
    if (createHash('sha256').update(bytes).digest('hex') !== sha256) {
      throw new BlindsightError('BUNDLE_DAMAGED', `${this.#path(sha256)} was changed`);
    }
    return bytes;
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
