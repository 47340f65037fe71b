import { readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { BlindsightError } from '#protocol/errors.ts';
import type { Clock } from '#runtime/clock.ts';
import { isDiskFull } from '#runtime/disk-full.ts';
import { LaidOutNumber } from '#runtime/laid-out-number.ts';

/** Ten digits, as file names of the outbox have them. */
const MAX_SESSION = 9_999_999_999;
/** As versions before this one kept it, in a file that each change replaced. */
const Former = z.strictObject({ session: z.number().int().nonnegative().max(MAX_SESSION) });

/** A wall clock outside of these was never set, or is years ahead: it must not decide a number that only ever grows. */
const PLAUSIBLE_SECONDS = { from: Date.UTC(2025, 0, 1) / 1000, to: Date.UTC(2100, 0, 1) / 1000 };

/** Place of an answer in the order of a gateway. */
export type Ticket = { readonly session: number; readonly sequence: number };

/**
 * Numbers that never repeat: a session is on disk before it is used, so that neither a crash nor a power cut can give
 * out a (session, sequence) twice. Sessions also keep up with the seconds of the wall clock, so that a disk that is restored from an older image, or
 * wiped, does not count through the same numbers again; and what the backend has seen goes before both. Its place was laid out before, so that a link
 * that is lost comes back on a full disk, too.
 */
export class SessionCounter {
  readonly #number: LaidOutNumber;
  readonly #folder: string;
  readonly #clock: Pick<Clock, 'now'>;
  #session: number;
  #sequence = 0;
  #connected = false;
  readonly #taken = new Set<number>();

  private constructor(number: LaidOutNumber, folder: string, clock: Pick<Clock, 'now'>, session: number) {
    this.#number = number;
    this.#folder = folder;
    this.#clock = clock;
    this.#session = session;
  }

  /**
   * Begins a session above all earlier ones. A missing or damaged file counts as 0.
   *
   * @throws BlindsightError DISK_FULL where the file is not there yet and there is no room for it
   */
  static async open(folder: string, clock: Pick<Clock, 'now'>): Promise<SessionCounter> {
    const former = join(folder, 'session.json');
    const last = await formerSession(former);
    const number = await LaidOutNumber.open(join(folder, 'session.count'), async () => last);
    // The former file may be the newer one, where a version before this one ran in between.
    const known = number.value <= MAX_SESSION ? number.value : 0;
    const counter = new SessionCounter(number, folder, clock, Math.max(known, last));
    await counter.#advance(0);
    await unlink(former).catch(() => {});
    return counter;
  }

  get session(): number {
    return this.#session;
  }

  /** The number for the next answer; the first of so many, one after the other, where it is about several cameras. */
  take(count = 1): Ticket {
    const sequence = this.#sequence + 1;
    this.#sequence += count;
    return { session: this.#session, sequence };
  }

  /** The session for a new attempt to connect: a new one as soon as a connection has used the present one. */
  async forConnection(): Promise<number> {
    if (this.#connected) await this.#advance(0);
    return this.#session;
  }

  /** A connection stands in this session: its will speaks of it. */
  connected(): void {
    this.#connected = true;
  }

  /** Begins a session from `atLeast` on, because the present one was begun under this name before. */
  async leaveTaken(atLeast: number): Promise<void> {
    this.#taken.add(this.#session);
    await this.#advance(atLeast);
  }

  /** Whether this process found that somebody else had begun a session before. */
  isTaken(session: number): boolean {
    return this.#taken.has(session);
  }

  async #advance(atLeast: number): Promise<void> {
    const seconds = Math.floor(this.#clock.now() / 1000);
    const { from, to } = PLAUSIBLE_SECONDS;
    const next = Math.max(this.#session + 1, seconds >= from && seconds < to ? seconds : 0, atLeast);
    await this.#number.set(next).catch((cause: unknown) => {
      if (!isDiskFull(cause)) throw cause;
      const message = `the disk of the gateway is full: ${this.#folder} has no room for the session number`;
      throw new BlindsightError('DISK_FULL', message, { cause });
    });
    this.#session = next;
    this.#sequence = 0;
    this.#connected = false;
  }
}

async function formerSession(path: string): Promise<number> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  try {
    return Former.parse(JSON.parse(text)).session;
  } catch {
    return 0;
  }
}
