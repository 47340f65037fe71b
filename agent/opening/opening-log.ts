import { createHash } from 'node:crypto';
import { type FileHandle, open, readdir, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { OPENING_MAX_BYTES } from '#protocol/opening.ts';
import { ensureDirectory, syncFolder } from '#runtime/files.ts';

/** An opening sealed to the auditor, under SHA-256, hex, of the ciphertext that it opens. */
export type SealedOpening = { readonly answer: string; readonly sealed: Uint8Array };

type Segment = {
  readonly path: string;
  /** Of an earlier process: which of its answers wait is not known. */
  readonly former: boolean;
  bytes: number;
  /** Where each record begins. */
  readonly offsets: Map<string, number>;
  /** Answers that wait in the outbox. */
  readonly waiting: Set<string>;
  /** When it was begun, and when its last answer left the outbox, in milliseconds of connected time of this process. */
  readonly begunMs: number;
  settledMs: number;
};

const FILE = /^(\d{10})\.openings$/;
/** A new file begins beyond this: only entire files are removed. */
const SEGMENT_BYTES = 2 ** 20;
/** Length of what is sealed (4), digest of the answer (32), check (8). */
const HEADER_BYTES = 44;
const CHECK_BYTES = 8;
/** How long openings stay findable after the receipt, in connected time: an honest gateway must be able to answer, whatever happens to its link. */
export const KEEP_MS = 600_000;
/** The most that is kept of answers that the backend has. */
export const SPARE_BYTES = 32 * 2 ** 20;
const SPARE_RECORDS = 100_000;

/**
 * Sealed openings on disk: records at the end of a file, synced before the envelope of the answer takes its place, so that no power cut leaves an
 * answer without its opening. A record costs one synced write that runs beside that of the envelope, and nothing when the receipt comes; files go
 * as a whole. (Measured against a file for each opening: see agent/README.md, "Openings".)
 */
export class OpeningLog {
  readonly #directory: string;
  /** Oldest first. */
  readonly #segments = new Set<Segment>();
  readonly #spareBytes: number;
  #current: { readonly segment: Segment; readonly file: FileHandle } | null = null;
  #last: number;
  /** Answers of earlier processes that wait; all, until the outbox says. */
  #formers = Number.POSITIVE_INFINITY;
  #connectedMs = 0;
  #dropped = 0;
  #work: Promise<void> = Promise.resolve();

  private constructor(directory: string, spareBytes: number, last: number) {
    this.#directory = directory;
    this.#spareBytes = spareBytes;
    this.#last = last;
  }

  /** @param spareBytes the most that is kept of answers that the backend has */
  static async open(directory: string, spareBytes = SPARE_BYTES): Promise<OpeningLog> {
    // On a full disk there is none yet: it is made with the first file.
    const found = await readdir(directory).catch(() => []);
    const names = found.filter((name) => FILE.test(name)).sort();
    const log = new OpeningLog(directory, spareBytes, Number(FILE.exec(names.at(-1) ?? '')?.[1] ?? 0));
    for (const name of names) {
      const path = join(directory, name);
      const offsets = index(await readFile(path));
      const segment = { path, former: true, bytes: 0, offsets: offsets.at, waiting: new Set<string>() };
      if (offsets.at.size === 0) await unlink(path).catch(() => {});
      else log.#segments.add({ ...segment, bytes: offsets.end, begunMs: 0, settledMs: 0 });
    }
    return log;
  }

  get count(): number {
    let count = 0;
    for (const { offsets } of this.#segments) count += offsets.size;
    return count;
  }

  get bytes(): number {
    return sum([...this.#segments]);
  }

  /** How many were removed before their time, because of the bound. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Bytes of earlier processes beyond what is kept anyway, while answers of theirs wait. */
  get formerBytes(): number {
    const former = [...this.#segments].filter((segment) => this.#isPinned(segment) && segment.former);
    return Math.max(0, sum(former) - this.#spareBytes);
  }

  /** So many answers of earlier processes wait: what they left is kept until the last of them has left. */
  setFormers(count: number): void {
    this.#formers = count;
  }

  /** On disk when this resolves. @throws what the disk said */
  append(records: readonly SealedOpening[]): Promise<void> {
    return this.#queue(async () => {
      for (const record of records) await this.#append(record);
      await this.#current?.file.datasync();
      await this.#bound();
    });
  }

  /** What was sealed for an answer; null where it is not there, or damaged. */
  async read(answer: string): Promise<Uint8Array | null> {
    for (const { path, offsets } of this.#segments) {
      const at = offsets.get(answer);
      if (at === undefined) continue;
      const file = await open(path, 'r').catch(() => null);
      try {
        return (file && (await readRecord(file, at, answer))) ?? null;
      } finally {
        await file?.close();
      }
    }
    return null;
  }

  /** An answer left the outbox; null for one of an earlier process. */
  settle(answer: string | null): void {
    if (answer === null) {
      this.#formers--;
      if (this.#formers === 0)
        for (const segment of this.#segments) if (segment.former) segment.settledMs = this.#connectedMs;
      return;
    }
    for (const segment of this.#segments)
      if (segment.waiting.delete(answer)) segment.settledMs = this.#connectedMs;
  }

  /** There was a connection for so much longer: removes what has been findable for long enough. */
  connected(ms: number): Promise<void> {
    this.#connectedMs += ms;
    const isOver = (since: number) => this.#connectedMs - since >= KEEP_MS;
    return this.#queue(async () => {
      if (this.#current !== null && isOver(this.#current.segment.begunMs)) await this.#end();
      for (const segment of [...this.#segments])
        if (segment !== this.#current?.segment && !this.#isPinned(segment) && isOver(segment.settledMs))
          await this.#remove(segment);
      await this.#bound();
    });
  }

  async close(): Promise<void> {
    await this.#queue(() => this.#end());
  }

  async #append({ answer, sealed }: SealedOpening): Promise<void> {
    if (this.#current !== null && this.#current.segment.bytes >= SEGMENT_BYTES) {
      await this.#current.file.datasync();
      await this.#end();
    }
    const record = encode(answer, sealed);
    try {
      this.#current ??= await this.#begin();
      const { segment, file } = this.#current;
      const at = segment.bytes;
      await file.write(record, 0, record.length, at);
      segment.bytes += record.length;
      segment.offsets.set(answer, at);
      segment.waiting.add(answer);
    } catch (error) {
      // Half a record may be there: nothing comes after it.
      await this.#end();
      throw error;
    }
  }

  async #begin(): Promise<{ segment: Segment; file: FileHandle }> {
    await ensureDirectory(this.#directory);
    const path = join(this.#directory, `${String(++this.#last).padStart(10, '0')}.openings`);
    const file = await open(path, 'wx', 0o600);
    const begunMs = this.#connectedMs;
    const segment: Segment = {
      ...{ path, former: false, bytes: 0, begunMs, settledMs: begunMs },
      offsets: new Map(),
      waiting: new Set(),
    };
    this.#segments.add(segment);
    await syncFolder(this.#directory);
    return { segment, file };
  }

  async #end(): Promise<void> {
    const current = this.#current;
    this.#current = null;
    if (current === null) return;
    await current.file.close().catch(() => {});
  }

  #isPinned({ former, waiting }: Segment): boolean {
    return former ? this.#formers > 0 : waiting.size > 0;
  }

  async #bound(): Promise<void> {
    const spare = [...this.#segments].filter((segment) => !this.#isPinned(segment));
    let bytes = sum(spare);
    let records = spare.reduce((count, { offsets }) => count + offsets.size, 0);
    for (const segment of spare) {
      if (bytes <= this.#spareBytes && records <= SPARE_RECORDS) return;
      bytes -= segment.bytes;
      records -= segment.offsets.size;
      this.#dropped += segment.offsets.size;
      if (segment === this.#current?.segment) await this.#end();
      await this.#remove(segment);
    }
  }

  async #remove(segment: Segment): Promise<void> {
    this.#segments.delete(segment);
    await unlink(segment.path).catch(() => {});
  }

  #queue(act: () => Promise<void>): Promise<void> {
    const done = this.#work.then(act);
    this.#work = done.catch(() => {});
    return done;
  }
}

const sum = (segments: readonly Segment[]): number => segments.reduce((total, { bytes }) => total + bytes, 0);

function checkOf(digest: Uint8Array, sealed: Uint8Array): Buffer {
  return createHash('sha256').update(digest).update(sealed).digest().subarray(0, CHECK_BYTES);
}

function encode(answer: string, sealed: Uint8Array): Buffer {
  const digest = Buffer.from(answer, 'hex');
  const length = Buffer.alloc(4);
  length.writeUInt32BE(sealed.length);
  return Buffer.concat([length, digest, checkOf(digest, sealed), sealed]);
}

/** Where the records of a file begin, as far as they are whole; what a power cut left behind the last one is none. */
function index(file: Buffer): { readonly at: Map<string, number>; readonly end: number } {
  const at = new Map<string, number>();
  let end = 0;
  while (end + HEADER_BYTES <= file.length) {
    const length = file.readUInt32BE(end);
    const next = end + HEADER_BYTES + length;
    if (length === 0 || length > OPENING_MAX_BYTES || next > file.length) break;
    at.set(file.toString('hex', end + 4, end + 36), end);
    end = next;
  }
  return { at, end };
}

async function readRecord(file: FileHandle, at: number, answer: string): Promise<Uint8Array | null> {
  const header = Buffer.alloc(HEADER_BYTES);
  await file.read(header, 0, HEADER_BYTES, at);
  const length = header.readUInt32BE(0);
  if (length > OPENING_MAX_BYTES) return null;
  const sealed = new Uint8Array(length);
  const { bytesRead } = await file.read(sealed, 0, length, at + HEADER_BYTES);
  const digest = Buffer.from(answer, 'hex');
  const isWhole = bytesRead === length && checkOf(digest, sealed).equals(header.subarray(36));
  return isWhole ? sealed : null;
}
