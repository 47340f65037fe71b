import type { Refusal } from '#protocol/refusals.ts';
import type { Clock } from '#runtime/clock.ts';

/**
 * What a properly working gateway never sends, whatever its disk or version: messages it did not sign, and messages that are not ciphertexts. The topic says
 * whose it is, and the broker has checked that against the certificate, so nobody can put another's gateway in quarantine this way.
 */
const MALFORMED: ReadonlySet<Refusal> = new Set(['malformed', 'signature', 'ciphertext']);
/**
 * A flood: a thousand within ten minutes. A torn outbox after a power cut gives a handful at most (what waited is decoded before it is
 * sent), and a gateway of another version is refused as such and not counted.
 */
export const FLOOD = { messages: 1000, windowMs: 600_000 } as const;

/** Detects gateways that flood the backend with messages that are not answers. In memory: a restart forgives at most ten minutes. */
export class FloodWatch {
  readonly #clock: Pick<Clock, 'monotonic'>;
  /** When the newest malformed messages came, by gateway, in a ring. */
  readonly #times = new Map<string, { readonly ring: number[]; next: number }>();

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /**
   * Takes a refusal into account.
   *
   * @param gateway an enrolled one, of which there are few
   * @returns whether this one completes a flood; counting then starts over.
   */
  add(gateway: string, reason: Refusal): boolean {
    if (!MALFORMED.has(reason)) return false;
    const now = this.#clock.monotonic();
    const times = this.#times.get(gateway) ?? { ring: [], next: 0 };
    this.#times.set(gateway, times);
    times.ring[times.next] = now;
    times.next = (times.next + 1) % FLOOD.messages;
    const oldest = times.ring[times.next];
    if (oldest === undefined || now - oldest > FLOOD.windowMs) return false;
    this.#times.delete(gateway);
    return true;
  }
}
