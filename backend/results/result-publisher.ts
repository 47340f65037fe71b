import type { Result } from '#protocol/messages.ts';
import { siteTopics } from '#protocol/topics.ts';
import type { Clock } from '#runtime/clock.ts';
import type { Link } from '#runtime/link.ts';
import type { Logger } from '#runtime/log.ts';
import type { SiteView } from './site-view.ts';

export type ResultPublisherOptions = {
  readonly site: string;
  readonly link: Pick<Link, 'publish' | 'connected' | 'subscribe'>;
  readonly view: SiteView;
  readonly clock: Clock;
  readonly log: Logger;
};

/** How soon the answer of a camera that is gone is cleared. */
const SWEEP_MS = 3_000;
/** How long a broker is listened to for answers that an earlier backend has left there. */
const LOOK_MS = 5_000;

/**
 * Publishes rounded answers to the results tree, which gateways cannot read. Only the newest answer of a camera or region is retained;
 * an older one that comes late is published without becoming the present. The answer of a camera that nobody has any more is cleared, so that
 * it does not stand there as the present for ever.
 */
export class ResultPublisher {
  readonly #options: ResultPublisherOptions;
  /** Topics at which an answer is retained, by this backend or one before it. */
  readonly #retained = new Set<string>();

  constructor(options: ResultPublisherOptions) {
    this.#options = options;
  }

  publish(result: Result): void {
    const retain = this.#options.view.setResult(result);
    this.#send(result, retain);
  }

  /**
   * A new connection: says what was decided while the link was down, and looks for what should not be there any more.
   *
   * @param signal ends the look
   */
  linkUp(signal: AbortSignal): void {
    const { site, link, view, clock } = this.#options;
    for (const result of view.latestResults()) this.#send(result, true);
    const { results, regionResults } = siteTopics(site);
    const look = [results, regionResults].map((filter) =>
      link.subscribe(filter, (topic, payload, packet) => {
        if (packet.retain && payload.length > 0) this.#retained.add(topic);
      }),
    );
    const ended = () => {
      for (const end of look) end();
    };
    clock.sleep(LOOK_MS, signal).then(ended, ended);
  }

  /** Clears what is not the answer of a present camera or region, every few seconds until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    while (!signal.aborted) {
      try {
        await this.sweep();
      } catch (error) {
        log.warn({ err: error }, 'answers of former cameras could not be cleared; it is tried again');
      }
      await clock.sleep(SWEEP_MS, signal).catch(() => {});
    }
  }

  /** Forgets the answers of cameras and regions that are gone, and clears their topics. */
  async sweep(): Promise<void> {
    const { link, view } = this.#options;
    await view.forgetGone();
    if (!link.connected) return;
    const present = new Set(view.latestResults().map((result) => this.#topic(result)));
    // All at once: an answer that comes while the first is on its way must not be cleared after it.
    const gone = [...this.#retained].filter((topic) => !present.has(topic));
    await Promise.all(gone.map((topic) => this.#clear(topic)));
  }

  async #clear(topic: string): Promise<void> {
    this.#retained.delete(topic);
    try {
      await this.#options.link.publish(topic, '', { retain: true });
    } catch (error) {
      this.#retained.add(topic);
      throw error;
    }
  }

  #send(result: Result, retain: boolean): void {
    const { link, log } = this.#options;
    if (!link.connected) return;
    const topic = this.#topic(result);
    if (retain) this.#retained.add(topic);
    link
      .publish(topic, JSON.stringify(result), { retain })
      .catch((error: unknown) => log.debug({ err: error }, 'a result was not published'));
  }

  #topic({ camera, region }: Result): string {
    return siteTopics(this.#options.site).result(camera, region);
  }
}
