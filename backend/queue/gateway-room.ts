import type { Clock } from '#runtime/clock.ts';

export type GatewayRoomOptions = {
  /** Bytes of one gateway that may wait. */
  readonly bound: number;
  /** How many envelopes of a gateway wait. */
  readonly count: (gateway: string) => Promise<number>;
  readonly clock: Clock;
};

/** How soon it is counted again what waits of a gateway that has no room. */
const COUNT_MS = 1_000;
/** Gateways that are remembered. */
const MOST = 100_000;

type Usage = { bytes: number; largest: number; countedMs: number; underway: number };

const NOTHING: Usage = { bytes: 0, largest: 0, countedMs: Number.NEGATIVE_INFINITY, underway: 0 };

/**
 * Bounds the bytes of a gateway in a stream, which bounds only their number: by what was sent, and once that would be too much, by how many of them are still there, each
 * as large as the largest.
 */
export class GatewayRoom {
  readonly #options: GatewayRoomOptions;
  readonly #usage = new Map<string, Usage>();

  constructor(options: GatewayRoomOptions) {
    this.#options = options;
  }

  /** @returns whether an envelope has room; then it counts as sent until it has `ended` */
  async take(gateway: string, bytes: number): Promise<boolean> {
    const { bound, count, clock } = this.#options;
    const usage = this.#usage.get(gateway) ?? { ...NOTHING };
    if (this.#usage.size < MOST) this.#usage.set(gateway, usage);
    usage.largest = Math.max(usage.largest, bytes);
    if (usage.bytes + bytes > bound && clock.monotonic() - usage.countedMs >= COUNT_MS) {
      usage.countedMs = clock.monotonic();
      // May be among those that are counted, or not yet.
      const { underway } = usage;
      const waiting = await count(gateway);
      // Nothing that is as large as the largest so far is there any more.
      if (waiting === 0 && underway === 0) usage.largest = bytes;
      usage.bytes = underway + waiting * usage.largest;
    }
    if (usage.bytes + bytes > bound) return false;
    usage.bytes += bytes;
    usage.underway += bytes;
    return true;
  }

  /** An envelope that had room is in the stream, or is not going to be. */
  ended(gateway: string, bytes: number): void {
    const usage = this.#usage.get(gateway);
    if (usage !== undefined) usage.underway -= bytes;
  }
}
