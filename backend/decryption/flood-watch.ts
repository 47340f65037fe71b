import type { Refusal } from '#protocol/refusals.ts';
import type { Clock } from '#runtime/clock.ts';

/**
 * What a gateway that works as built never sends, whatever its disk or its version: what it did not sign, and what is no ciphertext. The topic says
 * whose it is, and the broker has checked that against the certificate, so nobody can bring another's gateway into quarantine by it.
 */
const MALFORMED: ReadonlySet<Refusal> = new Set(['malformed', 'signature', 'ciphertext']);
/**
 * A flood: a thousand within ten minutes. A torn outbox after a power cut gives a handful at most (what waited is decoded before it is
 * sent), and a gateway of another version is refused as such and not counted.
 */
export const FLOOD = { messages: 1000, windowMs: 600_000 } as const;

/** Sees which gateway floods the backend with what is no answer. In memory: a restart forgives ten minutes at most. */
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
   * @returns whether this one completes a flood; counting begins anew then.
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
