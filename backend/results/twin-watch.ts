import type { Arrival } from './gateway-presence.ts';

/** Starts that differ by less are those of one process: messages take their time. */
const SAME_START_MS = 5_000;
/** So many returns within so long are proof; one may be messages that came late, all at once. */
const RETURNS = 3;
const WINDOW_MS = 900_000;
/** Processes that are remembered. */
const MAX_STARTS = 8;

/**
 * Notices that two processes use the identity of one gateway: they take the connection from each other, so now the one is heard and now the
 * other. A process is known by when it started, which is its arrival less its uptime, on the backend's clock alone: a process that was
 * replaced never comes back, however often a gateway restarts, loses its link or has its clock set.
 */
export class TwinWatch {
  /** When processes started, the one that was heard last at the end. */
  #starts: number[] = [];
  #returns: Arrival[] = [];

  /**
   * Takes the uptime of the process that was heard.
   *
   * @returns whether it is known only now that there are two.
   */
  heard(uptimeSeconds: number, arrival: Arrival): boolean {
    if (arrival.retained) return false;
    const before = this.sinceMs(arrival.monotonicMs) !== null;
    const start = arrival.monotonicMs - uptimeSeconds * 1000;
    const index = this.#starts.findLastIndex((known) => Math.abs(known - start) <= SAME_START_MS);
    if (index >= 0 && index < this.#starts.length - 1) this.#returns.push(arrival);
    const others = this.#starts.filter((_, other) => other !== index);
    this.#starts = [...others, start].slice(-MAX_STARTS);
    return !before && this.sinceMs(arrival.monotonicMs) !== null;
  }

  /** Since when there are two, by the backend's wall clock; null a quarter of an hour after the last sign of it. */
  sinceMs(monotonicMs: number): number | null {
    this.#returns = this.#returns.filter((at) => monotonicMs - at.monotonicMs <= WINDOW_MS);
    return this.#returns.length >= RETURNS ? this.#returns[0]!.atMs : null;
  }
}
