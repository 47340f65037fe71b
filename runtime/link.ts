import { BlindsightError } from '#protocol/errors.ts';
import { matchesFilter } from '#protocol/topic-filter.ts';
import type { Clock } from './clock.ts';
import { dial, isEndedByPeer, type LinkCredentials, type Session, type Will } from './link-session.ts';
import type { Logger } from './log.ts';
import { linkLadder, type RetryLadder } from './retry.ts';
import { TakeoverWatch } from './takeover-watch.ts';

export type { LinkCredentials, Will };

export type PublishOptions = {
  readonly qos?: 0 | 1;
  readonly retain?: boolean;
  readonly signal?: AbortSignal;
};

/** What a handler learns of a message besides topic and payload. */
export type MessageInfo = { readonly retain: boolean; readonly dup: boolean; readonly qos: 0 | 1 | 2 };
export type SubscribeOptions = {
  /** The most that a message comes with; of 0 where what is lost is sent again by who sent it. The first to ask for a filter decides. */
  readonly qos?: 0 | 1;
};
export type MessageHandler = (topic: string, payload: Uint8Array, packet: MessageInfo) => void;

/** A message of the farewell: published before a clean close, so that no last will is needed. */
export type Farewell = {
  readonly topic: string;
  readonly payload: Uint8Array | string;
  readonly retain?: boolean;
};

/** A lasting link to a broker across connections that come and go. */
export interface Link {
  readonly connected: boolean;
  /**
   * QoS 1 (the default) resolves when the broker has acknowledged. Rejects with LINK_DOWN if there is no connection or it
   * breaks first: the message may or may not have arrived, and the caller still has it. Nothing is queued or repeated here.
   */
  publish(topic: string, payload: Uint8Array | string, options?: PublishOptions): Promise<void>;
  /**
   * Subscribes with QoS 1, or less where it says so, now and on every later connection before `onUp`. Messages may come twice and must not be relied on to be
   * ordered across connections. Retained messages come to those handlers that were there when the filter was granted.
   * Returns how to unsubscribe.
   */
  subscribe(filter: string, handler: MessageHandler, options?: SubscribeOptions): () => void;
  /** Called after each connection is made and its subscriptions are granted; immediately if that is already the case. */
  onUp(handler: () => void | Promise<void>): () => void;
  /** Disconnects cleanly, so that the broker drops the will, and reconnects, with a new will and new runs of `onUp`. */
  reconnect(): void;
  /** Called when the connection breaks, and once for each new reason why it cannot be made. */
  onDown(handler: (reason: BlindsightError) => void): () => void;
  /** Publishes the farewell (best effort, within seconds), disconnects cleanly so that the broker drops the will, and stops for good. */
  close(farewell?: readonly Farewell[]): Promise<void>;
}

export type LinkOptions = LinkCredentials & {
  readonly url: string;
  readonly clientId: string;
  /** Asked for every connection, in place of those given above: they may be renewed. */
  readonly credentials?: () => LinkCredentials;
  /** Created for every connection, so that it can carry that connection's session number; may be awaited. */
  readonly will?: Will | (() => Will | Promise<Will>);
  readonly clock: Clock;
  readonly log: Logger;
  /** Ends the link without farewell: the broker publishes the will. */
  readonly signal?: AbortSignal;
  readonly ladder?: RetryLadder;
  readonly keepaliveSeconds?: number;
};

/** A connection that broke sooner than this counts as a failed attempt, so that a broker that drops us immediately is not hammered. */
const LASTING_MS = 10_000;
const FAREWELL_MS = 2_000;

/**
 * Starts a link; it is not connected yet when this returns, and keeps trying until it is closed.
 *
 * MQTT.js reconnects at a fixed interval and replays from a queue in memory. Neither is used: each connection is a new
 * client, attempts climb a jittered ladder, and what must not be lost stays with the caller until its promise resolves.
 */
export function connectLink(options: LinkOptions): Link {
  return new LastingLink(options);
}

class LastingLink implements Link {
  readonly #options: LinkOptions;
  readonly #ladder: RetryLadder;
  readonly #takeovers: TakeoverWatch;
  readonly #subscriptions = new Set<{
    readonly filter: string;
    readonly handler: MessageHandler;
    readonly qos: 0 | 1;
  }>();
  readonly #upHandlers = new Set<() => void | Promise<void>>();
  readonly #downHandlers = new Set<(reason: BlindsightError) => void>();
  readonly #closing = new AbortController();
  readonly #signal: AbortSignal;
  readonly #running: Promise<void>;
  #session: Session | null = null;
  #lastReason = '';
  /** The farewell has started: the end of the connection is expected. */
  #isLeaving = false;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#ladder = options.ladder ?? linkLadder();
    this.#takeovers = new TakeoverWatch(options.clock);
    const closing = this.#closing.signal;
    this.#signal = options.signal ? AbortSignal.any([options.signal, closing]) : closing;
    this.#running = this.#run();
  }

  get connected(): boolean {
    return this.#session !== null;
  }

  async publish(
    topic: string,
    payload: Uint8Array | string,
    { qos = 1, retain = false, signal: caller }: PublishOptions = {},
  ): Promise<void> {
    caller?.throwIfAborted();
    const current = this.#session;
    if (!current)
      throw new BlindsightError('LINK_DOWN', `not connected to the broker: ${topic} was not sent`);
    const sent = current.publish(topic, payload, { qos, retain });
    if (!caller) return sent;
    let abort = () => {};
    const aborted = new Promise<never>((_, reject) => {
      abort = () => reject(caller.reason);
      caller.addEventListener('abort', abort, { once: true });
    });
    try {
      await Promise.race([sent, aborted]);
    } finally {
      caller.removeEventListener('abort', abort);
    }
  }

  subscribe(filter: string, handler: MessageHandler, { qos = 1 }: SubscribeOptions = {}): () => void {
    const entry = { filter, handler, qos };
    const isNew = !this.#filters().has(filter);
    this.#subscriptions.add(entry);
    if (isNew) this.#session?.subscribe(new Map([[filter, qos]])).catch(() => undefined); // broken: the next connection subscribes
    return () => {
      if (!this.#subscriptions.delete(entry) || this.#filters().has(filter)) return;
      this.#session?.unsubscribe(filter);
    };
  }

  onUp(handler: () => void | Promise<void>): () => void {
    this.#upHandlers.add(handler);
    if (this.#session) this.#guard('up', handler);
    return () => this.#upHandlers.delete(handler);
  }

  onDown(handler: (reason: BlindsightError) => void): () => void {
    this.#downHandlers.add(handler);
    return () => this.#downHandlers.delete(handler);
  }

  reconnect(): void {
    void this.#session?.leave();
  }

  async close(farewell: readonly Farewell[] = []): Promise<void> {
    if (!this.#signal.aborted && this.#session) {
      const current = this.#session;
      const sent = farewell.map(({ topic, payload, retain = false }) =>
        current.publish(topic, payload, { qos: 1, retain }),
      );
      // Real time, not the clock: a simulated one that nobody advances must not keep a process from ending.
      await Promise.race([Promise.allSettled(sent), realDelay(FAREWELL_MS)]);
      this.#isLeaving = true;
      await Promise.race([current.leave(), realDelay(FAREWELL_MS)]);
    }
    this.#closing.abort();
    await this.#running;
  }

  /** One attempt after the other, until the link is closed. */
  async #run(): Promise<void> {
    while (!this.#signal.aborted && !this.#isLeaving) {
      try {
        await this.#attempt();
      } catch (error) {
        this.#takeovers.failed();
        this.#down(asLinkError(error), false);
      }
      if (this.#signal.aborted) return;
      await this.#options.clock.sleep(this.#ladder.next(), this.#signal).catch(() => undefined);
    }
  }

  /** A connection from dialing to its end. */
  async #attempt(): Promise<void> {
    const { will: given } = this.#options;
    const will = typeof given === 'function' ? await given() : given;
    const candidate = await dial({
      ...this.#options,
      ...this.#options.credentials?.(),
      will,
      onMessage: this.#deliver,
      signal: this.#signal,
    });
    let wasUp = false;
    try {
      await this.#subscribeAll(candidate);
      wasUp = true;
      throw await this.#serve(candidate);
    } catch (error) {
      this.#session = null;
      this.#down(asLinkError(error), wasUp);
    } finally {
      candidate.destroy();
    }
  }

  /** @returns why the connection ended. */
  async #serve(candidate: Session): Promise<BlindsightError> {
    const { clock, log, clientId } = this.#options;
    const takeovers = this.#takeovers;
    this.#session = candidate;
    takeovers.connected();
    if (takeovers.count === 0) this.#lastReason = '';
    const since = clock.monotonic();
    log[takeovers.count === 0 ? 'info' : 'debug']('link up');
    for (const handler of this.#upHandlers) this.#guard('up', handler);
    const reason = await candidate.broken;
    if (clock.monotonic() - since >= LASTING_MS) this.#ladder.reset();
    takeovers.ended(isEndedByPeer(reason));
    return isEndedByPeer(reason) && takeovers.count > 0 ? takenOver(clientId, reason) : reason;
  }

  /** Also covers filters that are added while the others are being granted. */
  async #subscribeAll(candidate: Session): Promise<void> {
    const granted = new Set<string>();
    for (;;) {
      const missing = new Map([...this.#filters()].filter(([filter]) => !granted.has(filter)));
      if (missing.size === 0) return;
      for (const filter of missing.keys()) granted.add(filter);
      await candidate.subscribe(missing);
    }
  }

  /** Each with its quality. */
  #filters(): Map<string, 0 | 1> {
    const filters = new Map<string, 0 | 1>();
    for (const { filter, qos } of this.#subscriptions) if (!filters.has(filter)) filters.set(filter, qos);
    return filters;
  }

  readonly #deliver: MessageHandler = (topic, payload, packet) => {
    for (const { filter, handler } of [...this.#subscriptions]) {
      if (matchesFilter(filter, topic)) this.#guard('message', () => handler(topic, payload, packet));
    }
  };

  #down(reason: BlindsightError, wasUp: boolean): void {
    if (this.#signal.aborted || this.#isLeaving) return;
    const isTwice = reason.code === 'LINK_TAKEN_OVER';
    const isKnown = reason.message === this.#lastReason;
    if (isKnown && !wasUp) return;
    this.#lastReason = reason.message;
    // Two clients of one name take turns every few seconds: reported once.
    if (!isKnown || !isTwice)
      this.#options.log.warn(
        { code: reason.code },
        `${wasUp && !isTwice ? 'link lost' : 'no link'}: ${reason.message}`,
      );
    for (const handler of this.#downHandlers) this.#guard('down', () => handler(reason));
  }

  #guard(what: string, call: () => void | Promise<void>): void {
    const failed = (error: unknown) => {
      // What a handler could not send because the link broke again, it sends on the next connection.
      const expected = error instanceof BlindsightError && error.code === 'LINK_DOWN';
      this.#options.log[expected ? 'debug' : 'error']({ err: error }, `a ${what} handler of the link failed`);
    };
    try {
      Promise.resolve(call()).catch(failed);
    } catch (error) {
      failed(error);
    }
  }
}

function takenOver(name: string, cause: BlindsightError): BlindsightError {
  return new BlindsightError(
    'LINK_TAKEN_OVER',
    `the broker keeps closing the connection of ${name} and accepting the next one: most likely another program connects as ${name}, ` +
      'from a copy of its package on another machine, or a second time on this one; the log of the broker says from where',
    { cause },
  );
}

function asLinkError(error: unknown): BlindsightError {
  if (error instanceof BlindsightError) return error;
  return new BlindsightError('LINK_DOWN', error instanceof Error ? error.message : String(error), {
    cause: error,
  });
}

function realDelay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
