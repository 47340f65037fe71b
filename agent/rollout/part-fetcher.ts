import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { CHUNK_BYTES, type Chunk } from '#protocol/chunk.ts';
import { BlindsightError } from '#protocol/errors.ts';
import type { ChunkRequest } from '#protocol/messages.ts';
import type { Clock } from '#runtime/clock.ts';
import { syncFolder } from '#runtime/files.ts';

export type PartFetcherOptions = {
  readonly bundle: string;
  readonly directory: string;
  /** A part of a bundle, or the archive of a release of software. */
  readonly part: {
    readonly name: string;
    readonly bytes: number /** SHA-256, hex. */;
    readonly sha256: string;
  };
  /** Asks for chunks; may be lost. */
  readonly request: (request: ChunkRequest) => void;
  readonly clock: Clock;
  /** Without a chunk for this long, what is missing is asked for again; in milliseconds. */
  readonly patienceMs?: number;
  /** Called with the bytes that are here, whenever there are more. */
  readonly onProgress: (bytes: number) => void;
};

const PATIENCE_MS = 5_000;
/** Chunks asked for at a time; two such requests are under way, so that the line does not fall idle. */
const BATCH = 16;

/**
 * Fetches one part of a bundle into a file, in order. The file itself says how far we are, even after a restart; chunks
 * that arrive twice or out of order are ignored and requested again.
 */
export class PartFetcher {
  readonly #options: PartFetcherOptions;
  readonly #count: number;
  #file: FileHandle | null = null;
  #next = 0;
  #asked = 0;
  #writing: Promise<void> = Promise.resolve();
  #done = Promise.withResolvers<void>();
  #lastChunkMs = 0;

  constructor(options: PartFetcherOptions) {
    this.#options = options;
    this.#count = Math.ceil(options.part.bytes / CHUNK_BYTES);
    this.#done.promise.catch(() => {});
  }

  /**
   * Resolves when the part is complete on disk and has its digest.
   *
   * @throws BlindsightError BUNDLE_DIGEST where the bytes are not what the manifest says (the file is emptied),
   * BUNDLE_UNAVAILABLE where the disk refuses; the signal's reason
   */
  async run(signal: AbortSignal): Promise<void> {
    const { directory, part } = this.#options;
    const path = join(directory, part.name);
    const abort = () => this.#done.reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    try {
      signal.throwIfAborted();
      this.#file = await open(path, 'a').catch(unavailable);
      await this.#resume();
      const finished = new AbortController();
      const pacing = this.#pace(AbortSignal.any([signal, finished.signal]));
      await this.#done.promise.finally(() => finished.abort());
      await pacing;
      await this.#file.sync();
      await syncFolder(directory);
      const digest = await digestOf(path);
      if (digest !== part.sha256) {
        await this.#file.truncate(0);
        throw new BlindsightError(
          'BUNDLE_DIGEST',
          `part ${part.name} has digest ${digest}, expected ${part.sha256}`,
        );
      }
    } finally {
      signal.removeEventListener('abort', abort);
      await this.#writing.catch(() => {});
      await this.#file?.close();
      this.#file = null;
    }
  }

  /** Takes a chunk of this part, if it is the next one. */
  receive(chunk: Chunk): void {
    this.#writing = this.#writing
      .then(() => this.#append(chunk))
      .catch((error: unknown) => this.#done.reject(error));
  }

  /** Requests again from the current position: the link or the backend was down. */
  restart(): void {
    this.#asked = this.#next;
    this.#ask();
  }

  async #resume(): Promise<void> {
    const { part, onProgress } = this.#options;
    const { size } = (await this.#file?.stat()) ?? { size: 0 };
    if (size > part.bytes) await this.#file?.truncate(0);
    else if (size === part.bytes) this.#next = this.#count;
    else {
      this.#next = Math.floor(size / CHUNK_BYTES);
      await this.#file?.truncate(this.#next * CHUNK_BYTES);
    }
    onProgress(Math.min(this.#next * CHUNK_BYTES, part.bytes));
    if (this.#next === this.#count) this.#done.resolve();
  }

  async #pace(signal: AbortSignal): Promise<void> {
    const { clock, patienceMs = PATIENCE_MS } = this.#options;
    if (!signal.aborted && this.#next < this.#count) this.restart();
    this.#lastChunkMs = clock.monotonic();
    while (!signal.aborted) {
      const left = this.#lastChunkMs + patienceMs - clock.monotonic();
      if (left <= 0) {
        this.restart();
        this.#lastChunkMs = clock.monotonic();
      } else await clock.sleep(left, signal).catch(() => {});
    }
  }

  async #append(chunk: Chunk): Promise<void> {
    const { part, clock, onProgress } = this.#options;
    if (this.#file === null || chunk.number !== this.#next || this.#next >= this.#count) return;
    const expected = Math.min(CHUNK_BYTES, part.bytes - this.#next * CHUNK_BYTES);
    if (chunk.data.length !== expected) return;
    await this.#file.appendFile(chunk.data).catch(unavailable);
    this.#next++;
    this.#lastChunkMs = clock.monotonic();
    onProgress(Math.min(this.#next * CHUNK_BYTES, part.bytes));
    if (this.#next === this.#count) this.#done.resolve();
    else if (this.#asked - this.#next <= BATCH) this.#ask();
  }

  #ask(): void {
    const { bundle, part, request } = this.#options;
    const count = Math.min(BATCH, this.#count - this.#asked);
    if (count <= 0) return;
    request({ bundle, part: part.name, from: this.#asked, count });
    this.#asked += count;
  }
}

function unavailable(cause: unknown): never {
  const why = cause instanceof Error ? cause.message : String(cause);
  throw new BlindsightError('BUNDLE_UNAVAILABLE', `a part of the bundle cannot be stored: ${why}`, { cause });
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path)) hash.update(piece as Buffer);
  return hash.digest('hex');
}
