import type { KeyObject } from 'node:crypto';
import { countAnswers, decodeEnvelope, type Envelope, encodeEnvelope } from '#protocol/envelope.ts';
import type { Clock } from '#runtime/clock.ts';
import type { Link } from '#runtime/link.ts';
import type { Logger } from '#runtime/log.ts';
import { RetryLadder } from '#runtime/retry.ts';
import type { SessionCounter } from '../uplink/session-counter.ts';
import type { AnswerTraces } from './answer-traces.ts';
import type { Entry } from './entry.ts';
import type { Outbox } from './outbox.ts';

export type SenderOptions = {
  readonly outbox: Outbox;
  readonly link: Pick<Link, 'publish' | 'connected'>;
  readonly topic: (camera: string) => string;
  readonly signingKey: KeyObject;
  readonly sessions: Pick<SessionCounter, 'isTaken' | 'take'>;
  /** Where some answers are traced. */
  readonly traces?: Pick<AnswerTraces, 'delivered'> | null;
  readonly clock: Clock;
  readonly log: Logger;
  /** Entries without receipt at a time. */
  readonly windowEntries?: number;
  readonly windowBytes?: number;
  /** Waits for a receipt before a resend, in milliseconds. */
  readonly resendMs?: readonly number[];
};

type Flight = {
  dueMs: number;
  readonly ladder: RetryLadder;
  /** When it left first on this connection, on the wall clock. */
  readonly sentMs: number;
};

const WINDOW_ENTRIES = 32;
const WINDOW_BYTES = 4 * 2 ** 20;
/** Of the window, for answers that waited: the rest is kept free for those that are current. */
const BACKLOG_SHARE = 0.75;
const RESEND_MS = [60_000, 120_000, 240_000, 300_000];
/** An answer that leaves later than this after it was stored is no longer current. */
const PRESENT_MS = 5_000;
const MAX_ENVELOPE_BYTES = 16 * 2 ** 20;

/**
 * Sends the outbox to the backend: only while the link is up and the backend says it is online; what is current first, and beside it what
 * waited, each oldest first in (session, sequence) order; a bounded window without receipt. A publish that the broker acknowledged proves nothing: an entry leaves by its receipt, and is sent again, byte for byte, on a new
 * connection, for a new backend session, and when no receipt comes.
 */
export class Sender {
  readonly #options: SenderOptions;
  readonly #flights = new Map<Entry, Flight>();
  #backendSession: number | null = null;
  #pumping: Promise<void> | null = null;
  #again = false;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  /** An answer made now can leave immediately: it is current. */
  get live(): boolean {
    return this.#options.link.connected && this.#backendSession !== null;
  }

  /** The backend came or went; `session` is null while it is away. */
  backendChanged(session: number | null): void {
    if (session !== this.#backendSession) this.#flights.clear();
    this.#backendSession = session;
    this.pump();
  }

  /** A connection was made; whatever was in flight on the last one is sent again. */
  linkUp(): void {
    this.#flights.clear();
    this.pump();
  }

  /** The backend holds these envelopes. */
  async received(digests: readonly string[]): Promise<void> {
    for (const digest of digests) {
      const entry = await this.#options.outbox.settle(digest);
      if (entry === null) continue;
      if (this.#options.traces) this.#options.traces.delivered(entry, this.#flights.get(entry)?.sentMs);
      this.#flights.delete(entry);
    }
    this.pump();
  }

  /** Sends what may be sent; returns immediately. */
  pump(): void {
    this.#again = true;
    this.#pumping ??= this.#pump()
      .catch((err: unknown) => this.#options.log.error({ err }, 'the outbox could not be sent'))
      .finally(() => {
        this.#pumping = null;
        if (this.#again) this.pump(); // Asked for after the last look, before this.
      });
  }

  /** Looks for overdue receipts and expired entries until the signal ends it. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#options.clock.sleep(1000, signal).catch(() => {});
      if (signal.aborted) break;
      await this.#options.outbox.expire();
      this.pump();
    }
    await this.#pumping;
  }

  async #pump(): Promise<void> {
    while (this.#again) {
      this.#again = false;
      this.#forgetDropped();
      for (;;) {
        const entry = this.live ? this.#next() : null;
        if (entry === null) break;
        await this.#send(entry);
      }
    }
  }

  #forgetDropped(): void {
    for (const entry of this.#flights.keys())
      if (!this.#options.outbox.has(entry)) this.#flights.delete(entry);
  }

  /**
   * The oldest entry that is overdue, else the oldest current one, else the oldest, that is not under way and fits into the window: after an absence
   * people see what is, and not for minutes what was.
   */
  #next(): Entry | null {
    const { outbox, clock } = this.#options;
    let bytes = 0;
    for (const [entry, flight] of this.#flights) {
      if (flight.dueMs <= clock.monotonic()) return entry;
      bytes += entry.bytes;
    }
    const { windowEntries = WINDOW_ENTRIES, windowBytes = WINDOW_BYTES } = this.#options;
    const fits = (entry: Entry) => this.#flights.size === 0 || bytes + entry.bytes <= windowBytes;
    if (this.#flights.size >= windowEntries) return null;
    for (const entry of outbox.current(PRESENT_MS))
      if (!this.#flights.has(entry)) return fits(entry) ? entry : null;
    if (this.#flights.size >= Math.max(1, windowEntries * BACKLOG_SHARE)) return null;
    for (const entry of outbox.entries) if (!this.#flights.has(entry)) return fits(entry) ? entry : null;
    return null;
  }

  async #send(entry: Entry): Promise<void> {
    const { outbox, link, topic, clock, log } = this.#options;
    const known = this.#flights.get(entry);
    const ladder = known?.ladder ?? new RetryLadder(this.#options.resendMs ?? RESEND_MS);
    const wire = await this.#present(entry);
    if (wire === null || !outbox.has(entry) || !this.live) {
      if (wire === null) this.#flights.delete(entry);
      return;
    }
    entry.sent = true;
    const sentMs = known?.sentMs ?? clock.now();
    this.#flights.set(entry, { ladder, sentMs, dueMs: clock.monotonic() + ladder.next() });
    // Not awaited: the window, not the broker's acknowledgment, is what paces us. A break of the link clears the
    // flights on the next connection.
    // And of quality 0: the receipt says more than the broker's word, which costs it a message that is stored.
    link.publish(topic(entry.camera), wire, { qos: 0 }).catch((error: Error) => {
      log.debug({ sequence: entry.sequence, reason: error.message }, 'an answer stays in the outbox');
    });
  }

  /**
   * The envelope as it may be sent. Before it is sent first, it is signed anew where it waited, so that it says so, and where somebody
   * else has used its session before, with numbers that are its own.
   */
  async #present(entry: Entry): Promise<Uint8Array | null> {
    const { outbox, clock, signingKey, sessions } = this.#options;
    const wire = await outbox.read(entry);
    // What an earlier process numbered it did in a session of its own.
    const isTaken = entry.historical !== null && sessions.isTaken(entry.session);
    const fresh = entry.historical === false && clock.now() - entry.storedMs <= PRESENT_MS;
    if (wire === null || entry.sent || (!isTaken && (entry.historical === true || fresh))) return wire;
    let envelope: Envelope;
    try {
      ({ envelope } = decodeEnvelope(wire, MAX_ENVELOPE_BYTES));
    } catch {
      await outbox.discard(entry, 'a stored answer has a format that this version does not know');
      return null;
    }
    entry.historical = true;
    if (envelope.historical && !isTaken) return wire;
    const ticket = isTaken
      ? sessions.take(countAnswers(envelope))
      : { session: entry.session, sequence: entry.sequence };
    await outbox.replace(
      entry,
      encodeEnvelope({ ...envelope, ...ticket, historical: true }, signingKey),
      ticket,
    );
    return outbox.read(entry);
  }
}
