import type { KeyObject } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { type Opening, sealOpening } from '#protocol/opening.ts';
import type { Clock } from '#runtime/clock.ts';
import type { Logger } from '#runtime/log.ts';
import { KEEP_MS, OpeningLog, type SealedOpening } from './opening-log.ts';
import { OpeningMemory, wipe } from './opening-memory.ts';

export type OpeningsOptions = {
  /** Of the sealed openings. */
  readonly directory: string;
  /** The auditor's, X25519; null while it is not known. */
  readonly auditorKey: () => KeyObject | null;
  readonly clock: Pick<Clock, 'monotonic' | 'sleep'>;
  readonly log: Logger;
};

/** What was made of an opening; its bytes on disk are those of the answer. */
export type Kept = {
  /** SHA-256, hex, of the ciphertext. */
  readonly answer: string;
  readonly bytes: number;
  /** Resolves when it is on disk, or cannot be: the answer waits for that, and then goes its way. Never rejects. */
  readonly stored: Promise<void>;
};

const LOOK_MS = 10_000;
/** Openings that are sealed at a time where there are many. */
const BATCH = 32;

/**
 * What answers were computed from, until nobody may ask for it any more. Sealed to the auditor as soon as its key is known, and only then on disk;
 * before that, in the memory of this process.
 */
export class Openings {
  readonly #options: OpeningsOptions;
  readonly #log: OpeningLog;
  readonly #memory = new OpeningMemory();
  #missing = 0;
  #isRefused = false;

  private constructor(options: OpeningsOptions, log: OpeningLog) {
    this.#options = options;
    this.#log = log;
  }

  static async open(options: OpeningsOptions): Promise<Openings> {
    return new Openings(options, await OpeningLog.open(options.directory));
  }

  get status() {
    return {
      kept: this.#memory.count + this.#log.count,
      bytes: this.#memory.bytes + this.#log.bytes,
      dropped: this.#memory.dropped + this.#log.dropped,
      /** Asked for and not there. */
      missing: this.#missing,
    };
  }

  /** See `OpeningLog`. */
  get formerBytes(): number {
    return this.#log.formerBytes;
  }

  /** See `OpeningLog`. */
  setFormers(count: number): void {
    this.#log.setFormers(count);
  }

  /** Keeps an opening, which is then no longer the caller's: it is wiped when it is sealed or forgotten. */
  keep(answer: string, opening: Opening): Kept {
    const key = this.#options.auditorKey();
    if (key === null) {
      this.#memory.put(answer, { plain: opening }, this.#options.clock.monotonic());
      return { answer, bytes: 0, stored: Promise.resolve() };
    }
    const sealed = sealOpening(key, opening, answer);
    wipe(opening);
    return { answer, bytes: sealed.length, stored: this.#store([{ answer, sealed }]).then(() => {}) };
  }

  /** The answer left the outbox, or never came in; null for one of an earlier process. */
  settle(answer: string | null): void {
    this.#log.settle(answer);
  }

  /** The sealed opening of an answer; null where there is none, which is counted. */
  async find(answer: string): Promise<Uint8Array | null> {
    const { plain, sealed } = this.#memory.get(answer) ?? {};
    const key = this.#options.auditorKey();
    if (sealed !== undefined) return sealed;
    if (plain !== undefined && key !== null) return sealOpening(key, plain, answer);
    const found = await this.#log.read(answer);
    if (found === null) this.#missing++;
    return found;
  }

  /** The auditor's key became known: from here on nothing is kept that is not sealed. */
  async sealAll(): Promise<void> {
    const answers = this.#memory.plain;
    while (answers.length > 0) {
      const key = this.#options.auditorKey();
      if (key === null) return;
      const batch: SealedOpening[] = [];
      for (const answer of answers.splice(0, BATCH)) {
        const plain = this.#memory.get(answer)?.plain;
        if (plain === undefined) continue;
        const sealed = sealOpening(key, plain, answer);
        // In the place of the plain one, which is wiped.
        this.#memory.put(answer, { sealed }, this.#options.clock.monotonic());
        batch.push({ answer, sealed });
      }
      if (await this.#store(batch)) {
        for (const { answer } of batch) {
          this.#memory.remove(answer);
          // Whether it still waits is not known here; it is kept as if it did not.
          this.#log.settle(answer);
        }
      }
      await setImmediate();
    }
  }

  /** Forgets what nobody may ask for any more, until the signal aborts. */
  async run(signal: AbortSignal, isConnected: () => boolean): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      await clock.sleep(LOOK_MS, signal).catch(() => {});
      this.#memory.expire(clock.monotonic() - KEEP_MS);
      if (isConnected()) await this.#log.connected(LOOK_MS);
    }
  }

  async close(): Promise<void> {
    this.#memory.clear();
    await this.#log.close();
  }

  /** @returns whether the disk has them; otherwise the memory does */
  async #store(records: readonly SealedOpening[]): Promise<boolean> {
    try {
      await this.#log.append(records);
      this.#isRefused = false;
      return true;
    } catch (err) {
      if (!this.#isRefused)
        this.#options.log.warn({ err }, 'the disk refuses openings of answers; they are kept in memory');
      this.#isRefused = true;
      for (const { answer, sealed } of records)
        this.#memory.put(answer, { sealed }, this.#options.clock.monotonic());
      return false;
    }
  }
}
