import type { GatewayView } from '#protocol/api.ts';
import type { GatewayState } from '#protocol/messages.ts';

/** When a message of a gateway came, by the backend's own clocks. */
export type Arrival = {
  readonly atMs: number;
  readonly monotonicMs: number;
  /** The broker had kept it: it tells how things were once, and proves nothing about now. */
  readonly retained: boolean;
};

/** Clocks that differ by less are the same: messages take their time. */
const SAME_CLOCK_MS = 2000;
const STEADY_MS = 1000;

/**
 * Whether a gateway is online. Signs of life outrank announcements: a last will counts only for the current connection,
 * and a gateway heard after it, in whatever session, is online again. So neither a copy of the gateway's package that ran once, nor session
 * numbers that went back, nor a clock that jumped keeps a gateway that answers offline.
 */
export class GatewayPresence {
  #state: GatewayView['state'] = 'unknown';
  /** The current connection; null if it is known only by its answers, so that any last will may be its own. */
  #session: number | null = null;
  #highestSession = 0;
  #sinceMs: number | null = null;
  /** When the state was learned. */
  #turned: Arrival;
  /** The offline message that was last heard of: the broker repeats it on every connection of ours. */
  #farewell = '';
  #clockOffsetMs: number | null = null;

  constructor(begun: Arrival) {
    this.#turned = begun;
  }

  /** What the gateway, or the broker in its name, announces. */
  announced({ state, session, time, reason }: GatewayState, arrival: Arrival): void {
    if (state === 'online') {
      this.#measureClock(time, arrival);
      const known = this.#state === 'online' && this.#session === session;
      if (!known) this.#turn('online', session, sinceMs(time, arrival), arrival);
      return;
    }
    const farewell = `${session} ${time} ${reason}`;
    const repeated = arrival.retained && farewell === this.#farewell;
    const ofPresent = this.#session === null || session === this.#session || session > this.#highestSession;
    if (repeated || !ofPresent) return;
    this.#farewell = farewell;
    this.#turn('offline', session, sinceMs(time, arrival), arrival);
  }

  /** Anything else that the gateway says: with `time` on its clock, and in which session, where the message tells. */
  heard(arrival: Arrival, time?: string, session?: number): void {
    if (arrival.retained) return;
    if (time !== undefined) this.#measureClock(time, arrival);
    if (this.#state !== 'online' && arrival.monotonicMs > this.#turned.monotonicMs) {
      this.#turn('online', session ?? null, arrival.atMs, arrival);
    }
  }

  /** A verified answer about a picture of that time; no picture is younger than its arrival. */
  answered(frameMs: number): void {
    if (this.#state === 'online' || frameMs <= this.#turned.atMs) return;
    this.#turn('online', null, frameMs, { ...this.#turned, atMs: frameMs });
  }

  /**
   * @param newestFrameMs of its answers: a last will is written when a connection begins, and does not know when it ended
   */
  view(newestFrameMs: number, nowMs: number): Pick<GatewayView, 'state' | 'since' | 'clockOffsetMs'> {
    const since = this.#state === 'offline' ? Math.max(this.#sinceMs ?? 0, newestFrameMs) : this.#sinceMs;
    return {
      state: this.#state,
      since: since === null ? null : new Date(Math.min(since, nowMs)).toISOString(),
      clockOffsetMs: this.#clockOffsetMs,
    };
  }

  /** A time on the gateway's clock, in milliseconds on the backend's. */
  toSiteMs(time: string): number {
    const offsetMs = this.#clockOffsetMs ?? 0;
    return Date.parse(time) - (Math.abs(offsetMs) < SAME_CLOCK_MS ? 0 : offsetMs);
  }

  #measureClock(time: string, { atMs, retained }: Arrival): void {
    if (retained) return;
    const offsetMs = Date.parse(time) - atMs;
    // What differs by the way of a message is no news: the page reads changes aloud.
    if (Math.abs(offsetMs - (this.#clockOffsetMs ?? Number.NaN)) < STEADY_MS) return;
    this.#clockOffsetMs = offsetMs;
  }

  #turn(state: GatewayView['state'], session: number | null, since: number, arrival: Arrival): void {
    this.#state = state;
    this.#session = session;
    this.#highestSession = Math.max(this.#highestSession, session ?? 0);
    this.#sinceMs = since;
    this.#turned = arrival;
  }
}

/** What comes live happened just now; of what was kept the gateway's own clock must tell, which is not believed about the future. */
function sinceMs(time: string, { atMs, retained }: Arrival): number {
  return retained ? Math.min(Date.parse(time), atMs) : atMs;
}
