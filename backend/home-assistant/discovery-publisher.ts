import type { SiteState } from '#protocol/api.ts';
import { HOME_ASSISTANT } from '#protocol/topics.ts';
import type { Clock } from '#runtime/clock.ts';
import type { Link } from '#runtime/link.ts';
import type { Logger } from '#runtime/log.ts';
import type { Store } from '../store/store.ts';
import { isStoreTrouble } from '../store/store-trouble.ts';
import type { DeviceDocument, Removal } from './device-document.ts';
import { deviceDocuments } from './device-documents.ts';
import { devicePrefix } from './entity-names.ts';

export type DiscoveryPublisherOptions = {
  readonly store: Pick<Store, 'settings'>;
  readonly site: string;
  readonly link: Pick<Link, 'publish' | 'connected' | 'subscribe' | 'onUp' | 'onDown'>;
  readonly snapshot: () => Promise<SiteState>;
  /** Whether Home Assistant is to know of the site. */
  readonly isEnabled: boolean;
  /** Of this software. */
  readonly version: string;
  readonly clock: Clock;
  readonly log: Logger;
};

/** How often it is looked whether something is to be told. */
const ROUND_MS = 5_000;
/** How long a broker is listened to after a connection for what it keeps from before, and gateways for what their cameras do. */
const LOOK_MS = 5_000;
/** Whoever may read may say that Home Assistant has started: everything is told again no more often than this. */
const AGAIN_MS = 15_000;
/** Setting of the store: that something was told since it was enabled. */
const TOLD = 'home-assistant';

/**
 * Tells Home Assistant of the site and its gateways and cameras, in a retained message each, and takes back what is there no more: an entity
 * by a message that has only its platform left, followed by one without it, a device by an empty message. What the broker keeps is the memory for that, so it holds over
 * restarts, too. Everything is told again when Home Assistant says that it has started.
 */
export class DiscoveryPublisher {
  readonly #options: DiscoveryPublisherOptions;
  readonly #prefix: string;
  /** What the broker keeps, by the id of the device. */
  readonly #kept = new Map<string, string>();
  /** Since when there is a connection, on the monotonic clock. */
  #upMs: number | null = null;
  #isAsked = false;
  #toldMs = Number.NEGATIVE_INFINITY;
  #hasFailed = false;

  constructor(options: DiscoveryPublisherOptions) {
    this.#options = options;
    this.#prefix = devicePrefix(options.site);
  }

  /** Works until the signal aborts; ends at once where Home Assistant was never told anything and is not to be. */
  async run(signal: AbortSignal): Promise<void> {
    const { link, clock, store, isEnabled } = this.#options;
    if (!isEnabled && !(await this.#wasEnabled())) return;
    const ends = [
      link.subscribe(HOME_ASSISTANT.device('+'), (topic, payload, { retain }) => {
        // What comes as it is sent is our own.
        const id = topic.split('/')[2] ?? '';
        if (retain && id.startsWith(this.#prefix)) this.#kept.set(id, Buffer.from(payload).toString());
      }),
      link.subscribe(HOME_ASSISTANT.status, (_, payload) => {
        if (Buffer.from(payload).toString() === 'online') this.#isAsked = true;
      }),
      link.onUp(() => {
        this.#upMs = clock.monotonic();
      }),
      link.onDown(() => {
        this.#upMs = null;
        this.#kept.clear();
      }),
    ];
    while (!signal.aborted) {
      const isDone = await this.round();
      if (isDone && !isEnabled) {
        await store.settings.set(TOLD, '').catch(() => {}); // Looked for once more at the next start.
        break;
      }
      await clock.sleep(ROUND_MS, signal).catch(() => {});
    }
    for (const end of ends) end();
  }

  async #wasEnabled(): Promise<boolean> {
    try {
      return (await this.#options.store.settings.get(TOLD)) === 'yes';
    } catch (error) {
      if (isStoreTrouble(error)) return false;
      throw error;
    }
  }

  /** Tells what is new. Never throws. @returns whether everything is told */
  async round(): Promise<boolean> {
    const { link, clock, log, isEnabled, store, snapshot, version } = this.#options;
    if (!link.connected || this.#upMs === null || clock.monotonic() - this.#upMs < LOOK_MS) return false;
    try {
      if (!isEnabled) return await this.#takeBack(() => true);
      const state = await snapshot();
      if (state.trouble !== undefined) return false;
      if ((await store.settings.get(TOLD)) !== 'yes') await store.settings.set(TOLD, 'yes');
      const documents = deviceDocuments(state, version);
      await this.#tell(documents);
      await this.#takeBack((id) => !documents.has(id));
      this.#hasFailed = false;
      return true;
    } catch (error) {
      if (link.connected && !this.#hasFailed)
        log.warn({ err: error }, 'Home Assistant could not be told of the site; trying again');
      this.#hasFailed = link.connected;
      return false;
    }
  }

  async #tell(documents: ReadonlyMap<string, DeviceDocument | null>): Promise<void> {
    const nowMs = this.#options.clock.monotonic();
    const isAgain = this.#isAsked && nowMs - this.#toldMs >= AGAIN_MS;
    if (isAgain) {
      this.#isAsked = false;
      this.#toldMs = nowMs;
    }
    for (const [id, document] of documents) {
      const before = this.#kept.get(id);
      const text = document === null ? before : JSON.stringify(withRemovals(document, before));
      if (text !== undefined && (isAgain || text !== before)) await this.#publish(id, text);
    }
  }

  async #takeBack(isGone: (id: string) => boolean): Promise<true> {
    for (const id of [...this.#kept.keys()].filter(isGone)) await this.#publish(id, '');
    return true;
  }

  async #publish(id: string, text: string): Promise<void> {
    await this.#options.link.publish(HOME_ASSISTANT.device(id), text, { retain: true });
    if (text === '') this.#kept.delete(id);
    else this.#kept.set(id, text);
  }
}

/** A document, and the removal of each entity that it had before; the next one, in a later round, is without. */
function withRemovals(document: DeviceDocument, before: string | undefined): DeviceDocument {
  const gone = Object.entries(componentsOf(before)).filter(
    ([key, { p, ...rest }]) => Object.keys(rest).length > 0 && document.cmps[key]?.p !== p,
  );
  if (gone.length === 0) return document;
  return {
    ...document,
    cmps: { ...document.cmps, ...Object.fromEntries(gone.map(([key, { p }]) => [key, { p }])) },
  };
}

/** Of a message that an earlier backend left: whatever is not one has none. */
function componentsOf(text: string | undefined): Record<string, Removal> {
  try {
    const { cmps } = JSON.parse(text ?? '{}') as { readonly cmps?: unknown };
    if (typeof cmps !== 'object' || cmps === null) return {};
    return Object.fromEntries(
      Object.entries(cmps as Record<string, unknown>).filter(
        (entry): entry is [string, Removal] => typeof (entry[1] as Partial<Removal> | null)?.p === 'string',
      ),
    );
  } catch {
    return {};
  }
}
