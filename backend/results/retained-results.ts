import { siteTopics } from '#protocol/topics.ts';
import type { Clock } from '#runtime/clock.ts';
import type { Link } from '#runtime/link.ts';
import type { SiteView } from './site-view.ts';

export type RetainedResultsOptions = {
  readonly site: string;
  readonly link: Pick<Link, 'publish' | 'connected' | 'subscribe'>;
  readonly view: SiteView;
  readonly clock: Clock;
};

/** How long a broker is listened to for answers that an earlier backend has left there. */
const LOOK_MS = 5_000;

/** What is retained in the results tree. The answer of a camera that nobody has any more must not stand there as the present for ever. */
export class RetainedResults {
  readonly #options: RetainedResultsOptions;
  /** Topics at which an answer is retained, by this backend or one before it. */
  readonly #topics = new Set<string>();

  constructor(options: RetainedResultsOptions) {
    this.#options = options;
  }

  add(topic: string): void {
    this.#topics.add(topic);
  }

  /** Looks for what is retained already, until the signal aborts at the latest. */
  look(signal: AbortSignal): void {
    const { site, link, clock } = this.#options;
    const { results, regionResults } = siteTopics(site);
    const looks = [results, regionResults].map((filter) =>
      link.subscribe(filter, (topic, payload, packet) => {
        if (packet.retain && payload.length > 0) this.#topics.add(topic);
      }),
    );
    const ended = () => {
      for (const end of looks) end();
    };
    clock.sleep(LOOK_MS, signal).then(ended, ended);
  }

  /** Forgets the answers of cameras and regions that are gone, and clears their topics. */
  async sweep(): Promise<void> {
    const { site, link, view } = this.#options;
    await view.forgetGone();
    if (!link.connected) return;
    const { result } = siteTopics(site);
    const present = new Set(view.latestResults().map(({ camera, region }) => result(camera, region)));
    // All at once: an answer that comes while the first is on its way must not be cleared after it.
    const gone = [...this.#topics].filter((topic) => !present.has(topic));
    await Promise.all(gone.map((topic) => this.#clear(topic)));
  }

  async #clear(topic: string): Promise<void> {
    this.#topics.delete(topic);
    try {
      await this.#options.link.publish(topic, '', { retain: true });
    } catch (error) {
      this.#topics.add(topic);
      throw error;
    }
  }
}
