import type { ServerResponse } from 'node:http';
import type { SiteEvent, SiteState } from '#protocol/api.ts';
import { SiteChanges } from '#protocol/site-change.ts';

/** Bytes that may wait for a slow reader before it is cut off; its browser reconnects and gets the full state. */
const MAX_WAITING_BYTES = 1_000_000;
const MAX_READERS = 64;
/** State events are merged: at most one in this interval. */
const STATE_INTERVAL_MS = 250;
/**
 * Of the thread's processor time at most, however long that makes the pauses: the state of many gateways takes seconds to put together. Not of the time
 * by the clock: a state that waited for a busy machine or for a database would then be followed by a pause ten times as long.
 */
const STATE_SHARE = 0.1;
const HEARTBEAT_MS = 15_000;

/** What this thread has taken of a processor. */
function processorMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

function frame(event: SiteEvent): string {
  return `event: ${event.type}\ndata: ${JSON.stringify(event.data)}\n\n`;
}

/** Server-sent events to any number of pages: first the state, then all of it whenever it changes, or what changes where that is asked for. */
export class EventHub {
  readonly #snapshot: () => Promise<SiteState>;
  readonly #onError: (error: unknown) => void;
  /** Who hears of all of the state each time, and who of what changes. */
  readonly #stateReaders = new Set<ServerResponse>();
  readonly #changeReaders = new Set<ServerResponse>();
  /** From one state that was told to the next. */
  readonly #changes = new SiteChanges();
  /** Readers still waiting for their first state. */
  #opening = 0;
  readonly #heartbeat: NodeJS.Timeout;
  #stateTimer: NodeJS.Timeout | null = null;
  /** Whether a state is being put together, and whether it has changed since that began. */
  #isReading = false;
  #hasChanged = false;
  /** Not before this the next one, on the clock of {@link performance}. */
  #nextStateMs = 0;
  /** On the clock of the site, and on that of {@link performance} when it was told. */
  #told: { readonly timeMs: number; readonly atMs: number } | null = null;

  constructor(snapshot: () => Promise<SiteState>, onError: (error: unknown) => void) {
    this.#snapshot = snapshot;
    this.#onError = onError;
    // The state and not just a comment: it also shows a page that this clock runs, and brings what the page missed.
    this.#heartbeat = setInterval(() => {
      if (this.#isReading || performance.now() < this.#nextStateMs) this.#sendTime();
      else this.#sendState();
    }, HEARTBEAT_MS);
    this.#heartbeat.unref();
  }

  get isFull(): boolean {
    return this.#readers.length + this.#opening >= MAX_READERS;
  }

  /**
   * Starts an event stream on a response whose headers are not sent yet; ends it if the state cannot be read.
   *
   * @param wantsChanges whether it hears of what changes, instead of all of the state each time
   */
  async add(response: ServerResponse, wantsChanges = false): Promise<void> {
    this.#opening += 1;
    let state: SiteState;
    try {
      state = await this.#snapshot();
    } catch (error) {
      response.destroy();
      return this.#onError(error);
    } finally {
      this.#opening -= 1;
    }
    if (response.destroyed || response.writableEnded) return;
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    response.write(`retry: 2000\n\n${frame({ type: 'state', data: state })}`);
    this.#told = { timeMs: Date.parse(state.time), atMs: performance.now() };
    // So that all are told against the same one.
    if (wantsChanges) this.#sendChange(state);
    const readers = wantsChanges ? this.#changeReaders : this.#stateReaders;
    readers.add(response);
    response.on('close', () => readers.delete(response));
  }

  /** Says that the state has changed; events follow at a bounded rate. */
  stateChanged(): void {
    if (this.#stateTimer !== null || this.#readers.length === 0) return;
    if (this.#isReading) {
      this.#hasChanged = true;
      return;
    }
    const pauseMs = Math.max(STATE_INTERVAL_MS, this.#nextStateMs - performance.now());
    this.#stateTimer = setTimeout(() => {
      this.#stateTimer = null;
      this.#sendState();
    }, pauseMs);
  }

  #sendState(): void {
    if (this.#readers.length === 0 || this.#isReading) return;
    this.#isReading = true;
    this.#hasChanged = false;
    // What has changed until now is in this one.
    if (this.#stateTimer !== null) clearTimeout(this.#stateTimer);
    this.#stateTimer = null;
    const begunMs = processorMs();
    void this.#snapshot()
      .then((state) => {
        this.#told = { timeMs: Date.parse(state.time), atMs: performance.now() };
        if (this.#changeReaders.size > 0) this.#sendChange(state);
        if (this.#stateReaders.size > 0)
          this.#send(frame({ type: 'state', data: state }), this.#stateReaders);
      }, this.#onError)
      .finally(() => {
        this.#isReading = false;
        this.#nextStateMs = performance.now() + (processorMs() - begunMs) / STATE_SHARE;
        if (this.#hasChanged) this.stateChanged();
      });
  }

  /** A sign of life while it is too early for a state: the time alone, or nothing to who asks for all of a state. */
  #sendTime(): void {
    const { timeMs, atMs } = this.#told ?? { timeMs: Number.NaN, atMs: 0 };
    const now = timeMs + performance.now() - atMs;
    if (!Number.isNaN(now)) {
      const data = { time: new Date(now).toISOString() };
      this.#send(frame({ type: 'change', data }), this.#changeReaders);
    }
    this.#send(': so far all is as it was\n\n', this.#stateReaders);
  }

  publish(event: SiteEvent): void {
    this.#send(frame(event), this.#readers);
  }

  #sendChange(state: SiteState): void {
    this.#send(frame({ type: 'change', data: this.#changes.next(state) }), this.#changeReaders);
  }

  get #readers(): ServerResponse[] {
    return [...this.#stateReaders, ...this.#changeReaders];
  }

  #send(text: string, readers: Iterable<ServerResponse>): void {
    for (const reader of readers) {
      if (reader.writableEnded) continue;
      if (reader.writableLength > MAX_WAITING_BYTES) reader.destroy();
      else reader.write(text);
    }
  }

  close(): void {
    clearInterval(this.#heartbeat);
    if (this.#stateTimer !== null) clearTimeout(this.#stateTimer);
    for (const reader of this.#readers) reader.end();
    this.#stateReaders.clear();
    this.#changeReaders.clear();
  }
}
