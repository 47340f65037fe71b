import { type FileHandle, open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { decode, encode } from 'cborg';
import { writeFileAtomic } from '#runtime/files.ts';
import type { Logger } from '#runtime/log.ts';

const SYNC_MS = 1_000;
const HEAD_BYTES = 8;
/** Below this a log is not worth rewriting. */
const COMPACT_BYTES = 1_048_576;
const COMPACT_RATIO = 4;

/**
 * A small map from text to bytes that survives `kill -9` entirely and a power cut up to its last second.
 *
 * On disk it is a log of records (length, CRC-32, CBOR of [key, value or null]) that is read to its first damaged record and rewritten
 * when most of it is outdated. A write reaches the operating system before its promise resolves; fsync is shared by all writes of a second,
 * because retained states change often and flash wears out.
 */
export class DurableMap {
  readonly #path: string;
  readonly #log: Logger;
  readonly #entries = new Map<string, Uint8Array>();
  #file: FileHandle;
  /** Where the next record goes: after a failed write the damaged tail is written over. */
  #end = 0;
  #liveBytes = 0;
  #queue: { record: Uint8Array; done: () => void }[] = [];
  #working: Promise<void> | null = null;
  #syncTimer: NodeJS.Timeout | null = null;

  private constructor(path: string, log: Logger, file: FileHandle) {
    this.#path = path;
    this.#log = log;
    this.#file = file;
  }

  /** Opens or creates the file. A damaged end is removed and logged. */
  static async open(path: string, log: Logger): Promise<DurableMap> {
    const file = await open(path, 'a+', 0o600);
    await file.close();
    const map = new DurableMap(path, log, await open(path, 'r+'));
    await map.#load();
    return map;
  }

  get entries(): ReadonlyMap<string, Uint8Array> {
    return this.#entries;
  }

  /**
   * Sets a value, or removes it if it is null. Resolves when the operating system has it; a full disk is logged, and the value
   * then lives in memory only.
   */
  set(key: string, value: Uint8Array | null): Promise<void> {
    if (value === null && !this.#entries.has(key)) return Promise.resolve();
    const record = encodeRecord(key, value);
    this.#liveBytes -= this.#sizeOf(key);
    if (value === null) this.#entries.delete(key);
    else this.#entries.set(key, value);
    this.#liveBytes += this.#sizeOf(key);
    return new Promise((done) => {
      this.#queue.push({ record, done });
      this.#working ??= this.#drain();
    });
  }

  /** Waits for pending writes, syncs and closes. */
  async close(): Promise<void> {
    await this.#working;
    if (this.#syncTimer) clearTimeout(this.#syncTimer);
    this.#syncTimer = null;
    await this.#file.datasync();
    await this.#file.close();
  }

  #sizeOf(key: string): number {
    const value = this.#entries.get(key);
    return value ? HEAD_BYTES + Buffer.byteLength(key) + value.length + 16 : 0;
  }

  async #drain(): Promise<void> {
    // What is set within one turn goes to disk as one write.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      const batch = this.#queue;
      this.#queue = [];
      try {
        await this.#append(Buffer.concat(batch.map(({ record }) => record)));
      } catch (error) {
        this.#log.error({ err: error, file: this.#path }, 'retained messages could not be written');
      }
      for (const { done } of batch) done();
    }
    this.#working = null; // in the same turn as the look at the queue, or a set in between would wait for ever
  }

  async #append(bytes: Buffer): Promise<void> {
    if (this.#end > COMPACT_BYTES && this.#end > COMPACT_RATIO * this.#liveBytes)
      return await this.#rewrite();
    let written = 0;
    while (written < bytes.length) {
      const result = await this.#file.write(bytes, written, bytes.length - written, this.#end + written);
      written += result.bytesWritten;
    }
    this.#end += bytes.length;
    this.#syncTimer ??= setTimeout(() => {
      this.#syncTimer = null;
      this.#file.datasync().catch((error: unknown) => this.#log.error({ err: error }, 'fsync failed'));
    }, SYNC_MS).unref();
  }

  /** Replaces the log by one that holds each entry once, the queued ones included. */
  async #rewrite(): Promise<void> {
    const bytes = Buffer.concat([...this.#entries].map(([key, value]) => encodeRecord(key, value)));
    await writeFileAtomic(this.#path, bytes, { mode: 0o600 });
    const old = this.#file;
    this.#file = await open(this.#path, 'r+');
    this.#end = bytes.length;
    await old.close();
  }

  async #load(): Promise<void> {
    const bytes = await this.#file.readFile();
    let offset = 0;
    for (;;) {
      const record = decodeRecord(bytes, offset);
      if (!record) break;
      if (record.value === null) this.#entries.delete(record.key);
      else this.#entries.set(record.key, record.value);
      offset = record.next;
    }
    this.#end = offset;
    for (const key of this.#entries.keys()) this.#liveBytes += this.#sizeOf(key);
    if (offset < bytes.length) {
      this.#log.warn(
        { file: this.#path, bytes: bytes.length - offset },
        'removed a damaged end of the retained messages',
      );
      await this.#file.truncate(offset);
    }
  }
}

function encodeRecord(key: string, value: Uint8Array | null): Uint8Array {
  const body = encode([key, value]);
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32LE(body.length, 0);
  head.writeUInt32LE(crc32(body), 4);
  return Buffer.concat([head, body]);
}

function decodeRecord(
  bytes: Buffer,
  offset: number,
): { key: string; value: Uint8Array | null; next: number } | null {
  if (bytes.length < offset + HEAD_BYTES) return null;
  const start = offset + HEAD_BYTES;
  const next = start + bytes.readUInt32LE(offset);
  if (next > bytes.length || next === start) return null;
  const body = bytes.subarray(start, next);
  if (crc32(body) !== bytes.readUInt32LE(offset + 4)) return null;
  try {
    const pair: unknown = decode(body);
    if (!Array.isArray(pair) || typeof pair[0] !== 'string') return null;
    const value: unknown = pair[1];
    if (value !== null && !(value instanceof Uint8Array)) return null;
    return { key: pair[0], value: value && Uint8Array.from(value), next };
  } catch {
    return null;
  }
}
