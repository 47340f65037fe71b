import { subjectLevel } from '#protocol/alert.ts';
import { siteTopics } from '#protocol/topics.ts';
import type { Clock } from '#runtime/clock.ts';
import type { Link } from '#runtime/link.ts';
import type { Logger } from '#runtime/log.ts';
import type { Store } from '../store/store.ts';

export type AlertPublisherOptions = {
  readonly store: Store;
  readonly site: string;
  readonly link: Pick<Link, 'publish' | 'connected' | 'subscribe'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** The open alerts are not what they were. */
  readonly onChange: () => void;
};

/** How soon an alert is noticed that another process has changed. */
const POLL_MS = 1000;
/** Mark of a store without open alerts. */
const NONE_OPEN = '0/0/0';

/**
 * Keeps what is retained in the alerts tree at the open alerts of the store, and clears the topics of those that are not open any more, whichever backend left them
 * there. What to publish follows from the store alone; an alert that changes twice while the broker is away is published as it is then.
 */
export class AlertPublisher {
  readonly #options: AlertPublisherOptions;
  /** Which state of which alert this connection has published, by topic. */
  readonly #published = new Map<string, string>();
  /** Topics at which something is retained, as far as is known. */
  readonly #retained = new Set<string>();
  /** The open alerts when they were looked at last, see `AlertStore.mark`. */
  #seen = NONE_OPEN;
  /** By topic. */
  #open: ReadonlyMap<string, Awaited<ReturnType<Store['alerts']['revisions']>>[number]> = new Map();
  #wake: () => void = () => {};

  constructor(options: AlertPublisherOptions) {
    this.#options = options;
  }

  /** Hears what an earlier backend left. */
  listen(): void {
    const { link, site } = this.#options;
    link.subscribe(siteTopics(site).alerts, (topic, payload, { retain }) => {
      if (retain && payload.length > 0) this.#retained.add(topic);
    });
  }

  /** A new connection: the broker may be another one. */
  linkUp(): void {
    this.#published.clear();
    this.wake();
  }

  /** There may be something new. */
  wake(): void {
    this.#wake();
  }

  /** Works until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    while (!signal.aborted) {
      const { promise: woken, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      try {
        await this.publish();
      } catch (error) {
        log.warn({ err: error }, 'an alert could not be published; trying again');
      }
      const rest = new AbortController();
      await Promise.race([
        clock.sleep(POLL_MS, AbortSignal.any([signal, rest.signal])).catch(() => {}),
        woken,
      ]);
      rest.abort();
    }
  }

  /** Publishes what has changed since this connection was made, once. */
  async publish(): Promise<void> {
    const { store, site, link, onChange } = this.#options;
    const topics = siteTopics(site);
    const seen = await store.alerts.mark();
    if (seen !== this.#seen) {
      // Thousands may be open, and mostly nothing changes.
      // A rule that was about a camera and is about a gateway of that name now shares a topic with what is left open: the newest counts.
      this.#open = new Map(
        (await store.alerts.revisions()).map((one) => [
          topics.alert(one.alert.rule, subjectLevel(one.alert.subject)),
          one,
        ]),
      );
      this.#seen = seen;
      onChange();
    }
    if (!link.connected) return;
    const open = this.#open;
    for (const [topic, { alert, revision }] of open) {
      const state = `${alert.id}/${revision}`;
      if (this.#published.get(topic) === state) continue;
      this.#retained.add(topic);
      await link.publish(topic, JSON.stringify(alert), { retain: true });
      this.#published.set(topic, state);
    }
    for (const topic of this.#retained) {
      if (open.has(topic)) continue;
      await link.publish(topic, '', { retain: true });
      this.#retained.delete(topic);
      this.#published.delete(topic);
    }
  }
}
