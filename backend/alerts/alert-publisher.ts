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
  /** State of all open alerts when they were looked at last. */
  #seen = '';
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
    const revisions = await store.alerts.revisions();
    const seen = revisions.map(({ alert, revision }) => `${alert.id}/${revision}`).join();
    if (seen !== this.#seen) onChange();
    this.#seen = seen;
    if (!link.connected) return;
    const topics = siteTopics(site);
    const open = new Set<string>();
    for (const { alert, revision } of revisions) {
      const topic = topics.alert(alert.rule, subjectLevel(alert.subject));
      open.add(topic);
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
