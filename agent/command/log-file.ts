import { appendFileSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { RecentLines } from '#runtime/recent-lines.ts';
import { parseJson } from '../parse-json.ts';

/** Bytes of one of the two files. */
export const LOG_FILE_BYTES = 2 ** 20;
const FLUSH_MS = 5_000;
const FLUSH_CHARACTERS = 65_536;
const NAME = 'recent.jsonl';

/**
 * Keeps the recent lines of the log on disk, so that they are there after a restart, too: two files of a megabyte, the older of which goes when the
 * newer is full. A line is written within seconds, one that warns at once. Where the disk refuses, lines are in memory only.
 */
export class LogFile {
  readonly #path: string;
  readonly #recent: RecentLines;
  readonly #maxBytes: number;
  readonly #timer: NodeJS.Timeout;
  #waiting = '';
  #bytes: number;

  private constructor(path: string, recent: RecentLines, bytes: number, maxBytes: number) {
    this.#path = path;
    this.#recent = recent;
    this.#bytes = bytes;
    this.#maxBytes = maxBytes;
    this.#timer = setInterval(() => this.flush(), FLUSH_MS).unref();
  }

  /**
   * Puts what earlier processes wrote before the recent lines, and writes those from now on.
   *
   * @param maxBytes of one of the two files
   */
  static async open(directory: string, recent: RecentLines, maxBytes = LOG_FILE_BYTES): Promise<LogFile> {
    const path = join(directory, NAME);
    const earlier: string[] = [];
    for (const file of [`${path}.1`, path]) {
      const text = await readFile(file, 'utf8').catch(() => '');
      // A power cut may have torn a line.
      earlier.push(...text.split('\n').filter((line) => parseJson(line) !== null));
    }
    const unwritten = recent.lines.map((line) => `${line}\n`).join('');
    recent.prepend(earlier);
    const log = new LogFile(path, recent, statSync(path, { throwIfNoEntry: false })?.size ?? 0, maxBytes);
    log.#waiting = unwritten;
    recent.onLine((line) => log.#take(line));
    return log;
  }

  /** Writes what waits. */
  flush(): void {
    if (this.#waiting === '') return;
    const text = this.#waiting;
    this.#waiting = '';
    try {
      if (this.#bytes + Buffer.byteLength(text) > this.#maxBytes) {
        this.#bytes = 0;
        renameSync(this.#path, `${this.#path}.1`);
      }
      mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
      appendFileSync(this.#path, text, { mode: 0o600 });
      this.#bytes += Buffer.byteLength(text);
    } catch {
      // To log it would only add a line that cannot be written either.
    }
  }

  close(): void {
    clearInterval(this.#timer);
    this.#recent.onLine(() => {});
    this.flush();
  }

  #take(line: string): void {
    // One line must not take the place of all others.
    if (line.length >= FLUSH_CHARACTERS) return;
    this.#waiting += `${line}\n`;
    if (this.#waiting.length >= FLUSH_CHARACTERS || /"level":"(?:warn|error|fatal)"/.test(line)) this.flush();
  }
}
