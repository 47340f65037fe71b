import type { Result } from '#protocol/messages.ts';
import { siteTopics } from '#protocol/topics.ts';
import type { Link } from '#runtime/link.ts';
import type { Logger } from '#runtime/log.ts';
import type { SiteView } from './site-view.ts';

/**
 * Publishes rounded answers to the results tree, which gateways cannot read. Only the newest answer of a camera or region is retained;
 * an older one that comes late is published without becoming the present.
 */
export class ResultPublisher {
  readonly #site: string;
  readonly #link: Pick<Link, 'publish' | 'connected'>;
  readonly #view: SiteView;
  readonly #log: Logger;

  constructor(site: string, link: Pick<Link, 'publish' | 'connected'>, view: SiteView, log: Logger) {
    this.#site = site;
    this.#link = link;
    this.#view = view;
    this.#log = log;
  }

  publish(result: Result): void {
    const retain = this.#view.setResult(result);
    this.#send(result, retain);
  }

  /** After a connect: what was decided while the link was down. */
  publishLatest(): void {
    for (const result of this.#view.latestResults()) this.#send(result, true);
  }

  #send(result: Result, retain: boolean): void {
    if (!this.#link.connected) return;
    this.#link
      .publish(siteTopics(this.#site).result(result.camera, result.region), JSON.stringify(result), {
        retain,
      })
      .catch((error: unknown) => this.#log.debug({ err: error }, 'a result was not published'));
  }
}
