import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { writeFileAtomic } from '#runtime/files.ts';

const Stored = z.strictObject({ session: z.number().int().nonnegative() });

/** Place of an answer in the order of a gateway. */
export type Ticket = { readonly session: number; readonly sequence: number };

/**
 * Numbers that never repeat: a session is on disk before it is used, so that neither a crash nor a power cut can give
 * out a (session, sequence) twice.
 */
export class SessionCounter {
  readonly #path: string;
  #session: number;
  #sequence = 0;
  #connected = false;

  private constructor(path: string, session: number) {
    this.#path = path;
    this.#session = session;
  }

  /**
   * Begins a session above all earlier ones.
   *
   * @param now milliseconds since the epoch. Where there is no file, or a damaged one, sessions start from the wall clock: a
   * gateway whose data was wiped must not use numbers again that its backend has seen
   */
  static async open(path: string, now: number): Promise<SessionCounter> {
    const counter = new SessionCounter(path, await lastSession(path, now));
    await counter.#advance();
    return counter;
  }

  get session(): number {
    return this.#session;
  }

  /** The number for the next answer. */
  take(): Ticket {
    return { session: this.#session, sequence: ++this.#sequence };
  }

  /** The session for a new attempt to connect: a new one as soon as a connection has used the present one. */
  async forConnection(): Promise<number> {
    if (this.#connected) await this.#advance();
    return this.#session;
  }

  /** A connection stands in this session: its will speaks of it. */
  connected(): void {
    this.#connected = true;
  }

  async #advance(): Promise<void> {
    const next = this.#session + 1;
    await writeFileAtomic(this.#path, JSON.stringify({ session: next }));
    this.#session = next;
    this.#sequence = 0;
    this.#connected = false;
  }
}

/** No gateway is older; seconds since then are above what counting can have reached. */
const EPOCH_MS = Date.UTC(2025, 0, 1);

async function lastSession(path: string, now: number): Promise<number> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  try {
    return Stored.parse(JSON.parse(text)).session;
  } catch {
    return Math.max(0, Math.floor((now - EPOCH_MS) / 1000));
  }
}
