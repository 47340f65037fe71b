import type { Clock } from '#runtime/clock.ts';
import type { Link } from '#runtime/link.ts';
import type { Logger } from '#runtime/log.ts';
import type { Store } from './store/store.ts';

export type NewestPublisherOptions<T extends { readonly gateway: string }> = {
  readonly store: Store;
  readonly link: Pick<Link, 'publish' | 'connected'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** What the log calls one that could not be published: "a release". */
  readonly noun: string;
  /** Where the newest one of a gateway is retained; a gateway may have several topics, with one newest each. */
  readonly topicOf: (gateway: string, newest: T | null) => string;
  /** Topics of a gateway that was removed; where left out, the one for `null`. */
  readonly topicsOf?: (gateway: string) => Promise<readonly string[]>;
  /** The newest one for each topic that has any. */
  readonly current: () => Promise<readonly T[]>;
  /** Changes, nearly always, when `current` does, and is cheaper; where left out, `current` is asked each time. */
  readonly markOf?: () => Promise<string>;
  /** Tells a newer one of a gateway from the one before. */
  readonly idOf: (newest: T) => string | number;
  readonly wireOf: (newest: T) => Uint8Array;
  /** Called before one is published. */
  readonly onPublish?: (newest: T) => void;
  /** Called when the broker has it. */
  readonly onPublished: (newest: T) => void;
};

/** How soon something new from the command line is noticed. */
const POLL_MS = 1000;
/** Of the time at most: a look reads what all gateways should have. */
const POLL_SHARE = 0.05;
const MOST_POLL_MS = 10_000;
/** How long a mark that stays the same is believed. */
const BELIEF_MS = 60_000;

/**
 * Keeps what is retained for every gateway on one topic at the newest that the store has. Stateless across restarts: what to publish follows
 * from the store alone.
 */
export class NewestPublisher<T extends { readonly gateway: string }> {
  readonly #options: NewestPublisherOptions<T>;
  /** What this connection has published, by topic. */
  readonly #published = new Map<string, string | number>();
  /** Removed gateways whose topic this connection has cleared. */
  readonly #cleared = new Set<string>();
  /** How long the last look into the store took. */
  #tookMs = 0;
  /** What `markOf` said before all that there was then was published, and when. */
  #done = { mark: '', atMs: Number.NEGATIVE_INFINITY };

  constructor(options: NewestPublisherOptions<T>) {
    this.#options = options;
  }

  /** A new connection: the broker may be another one, so everything is published again. */
  async linkUp(): Promise<void> {
    this.#published.clear();
    this.#cleared.clear();
    this.#done = { mark: '', atMs: Number.NEGATIVE_INFINITY };
    await this.publish();
  }

  /** Publishes what is new each second, or less often where there are so many gateways that looking takes long, until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, noun } = this.#options;
    while (!signal.aborted) {
      try {
        await this.publish();
      } catch (error) {
        log.warn({ err: error }, `${noun} could not be published; trying again`);
      }
      await clock
        .sleep(Math.min(Math.max(POLL_MS, this.#tookMs / POLL_SHARE), MOST_POLL_MS), signal)
        .catch(() => {});
    }
  }

  /** Publishes the newest for each topic that this connection has not published yet, and clears the topics of removed gateways. */
  async publish(): Promise<void> {
    const { store, link, clock, topicOf, markOf } = this.#options;
    const { topicsOf = async (gateway: string) => [topicOf(gateway, null)] } = this.#options;
    if (!link.connected) return;
    const begunMs = clock.monotonic();
    const mark = await markOf?.();
    if (mark === undefined || mark !== this.#done.mark || begunMs - this.#done.atMs > BELIEF_MS) {
      await this.#publishAll(begunMs);
      this.#done = { mark: mark ?? '', atMs: begunMs };
    } else this.#tookMs = clock.monotonic() - begunMs;
    for (const { name } of await store.gateways.removed()) {
      if (this.#cleared.has(name)) continue;
      for (const topic of await topicsOf(name)) await link.publish(topic, '', { retain: true });
      this.#cleared.add(name);
    }
  }

  async #publishAll(begunMs: number): Promise<void> {
    const { link, clock, topicOf, current, idOf, wireOf, onPublish, onPublished } = this.#options;
    const all = await current();
    this.#tookMs = clock.monotonic() - begunMs;
    for (const newest of all) {
      const topic = topicOf(newest.gateway, newest);
      const id = idOf(newest);
      if (this.#published.get(topic) === id) continue;
      this.#published.set(topic, id);
      onPublish?.(newest);
      try {
        await link.publish(topic, wireOf(newest), { retain: true });
      } catch (error) {
        this.#published.delete(topic);
        throw error;
      }
      onPublished(newest);
    }
  }
}
