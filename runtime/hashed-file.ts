import { createHash, type Hash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { BlindsightError } from '#protocol/errors.ts';

/** Of a read that only the digest wants. */
const CHUNK_BYTES = 2 ** 22;

/** That a part of a bundle is there but cannot be read: the disk's fault, not the bundle's. */
export function unreadable(name: string, cause: unknown): BlindsightError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new BlindsightError('FHE_DISK', `part ${name} cannot be read: ${reason}`, { cause });
}

/**
 * A file that is read front to back, perhaps several times, and its digest on the way: a part of gigabytes is never in memory as a whole. What was
 * read counts only once {@link finish} has said that the last pass saw the bytes that were signed.
 */
export class HashedFile {
  readonly length: number;
  readonly #name: string;
  readonly #fd: number;
  #buffer = new Uint8Array(2 ** 16);
  #hash: Hash = createHash('sha256');
  /** Bytes of the present pass that the digest has seen. */
  #hashed = 0;

  /** @param name of the part, for messages */
  constructor(path: string, name: string, length: number) {
    this.#name = name;
    this.length = length;
    this.#fd = this.#onDisk(() => openSync(path, 'r'));
  }

  /**
   * The bytes from `at` on, until the next call; a new pass begins where byte 0 is read.
   *
   * @throws BlindsightError BUNDLE_DIGEST where the file ends before; FHE_DISK where it cannot be read
   */
  read(at: number, length: number): Uint8Array {
    if (at === 0) {
      this.#hash = createHash('sha256');
      this.#hashed = 0;
    }
    if (this.#buffer.length < length) this.#buffer = new Uint8Array(length);
    const bytes = this.#buffer.subarray(0, length);
    for (let done = 0; done < length; ) {
      const read = this.#onDisk(() => readSync(this.#fd, bytes, done, length - done, at + done));
      if (read === 0) {
        throw new BlindsightError(
          'BUNDLE_DIGEST',
          `part ${this.#name} ends at byte ${at + done}, expected ${this.length} bytes`,
        );
      }
      done += read;
    }
    if (at === this.#hashed) {
      this.#hash.update(bytes);
      this.#hashed += length;
    }
    return bytes;
  }

  /** Reads what is left of the pass. @throws BlindsightError BUNDLE_DIGEST where the digest is not `sha256`, hex */
  finish(sha256: string): void {
    while (this.#hashed < this.length) {
      this.read(this.#hashed, Math.min(CHUNK_BYTES, this.length - this.#hashed));
    }
    const digest = this.#hash.digest('hex');
    // Another pass may follow, and must begin at the front.
    this.#hash = createHash('sha256');
    this.#hashed = 0;
    if (digest === sha256) return;
    throw new BlindsightError('BUNDLE_DIGEST', `part ${this.#name} has digest ${digest}, expected ${sha256}`);
  }

  close(): void {
    closeSync(this.#fd);
  }

  #onDisk<T>(call: () => T): T {
    try {
      return call();
    } catch (cause) {
      throw unreadable(this.#name, cause);
    }
  }
}
