import { NEWEST_ENVELOPE } from '#protocol/envelope.ts';
import { BackendState } from '#protocol/messages.ts';
import { parseMessage } from '#protocol/parse-message.ts';
import { siteTopics } from '#protocol/topics.ts';
import type { Clock } from '#runtime/clock.ts';
import type { Link } from '#runtime/link.ts';
import { BACKEND_SESSION, type Site } from './site.ts';

/** Tells gateways whether somebody listens: they send nothing otherwise. */
export class BackendPresence {
  readonly #site: Pick<Site, 'name' | 'store'>;
  readonly #clock: Clock;
  /** Of the connection to the broker that there is now. */
  #session = 0;
  /** The last one that was said to be there; 0 once it has taken leave. */
  #online = 0;

  constructor(site: Pick<Site, 'name' | 'store'>, clock: Clock) {
    this.#site = site;
    this.#clock = clock;
  }

  /** The last will of a connection that is about to be made. */
  async will() {
    this.#session = await this.#site.store.settings.next(BACKEND_SESSION);
    return this.#message('offline');
  }

  /**
   * A broker may publish the last will of an earlier connection after this one has said that it is there (it noticed late, or of three servers another one did), and
   * gateways that come then would wait for ever. So whoever is there says it again.
   */
  listen(link: Pick<Link, 'subscribe' | 'publish'>): void {
    link.subscribe(siteTopics(this.#site.name).backendState, (_, payload) => {
      const told = sessionIn(payload);
      if (told === null || told >= this.#online || this.#online !== this.#session) return;
      // As soon as there is a connection, it is said anyway.
      this.say(link).catch(() => {});
    });
  }

  /** Says that this connection is there; once all that gateways send is subscribed to. */
  async say(link: Pick<Link, 'publish'>): Promise<void> {
    const { topic, payload, retain } = this.#message('online');
    this.#online = this.#session;
    await link.publish(topic, payload, { retain });
  }

  /** The message with which it takes leave. */
  leave() {
    this.#online = 0;
    return this.#message('offline');
  }

  #message(state: BackendState['state']) {
    const time = new Date(this.#clock.now()).toISOString();
    const message: BackendState = { state, session: this.#session, time, envelope: NEWEST_ENVELOPE };
    return {
      topic: siteTopics(this.#site.name).backendState,
      payload: JSON.stringify(message),
      retain: true,
    };
  }
}

function sessionIn(payload: Uint8Array): number | null {
  try {
    return parseMessage(BackendState, payload).session;
  } catch {
    return null;
  }
}
