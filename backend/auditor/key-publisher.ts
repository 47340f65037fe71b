import { createHash, type KeyObject } from 'node:crypto';
import { signAuditorKey } from '#protocol/auditor-key.ts';
import { gatewayTopics } from '#protocol/topics.ts';
import type { Clock } from '#runtime/clock.ts';
import type { Link } from '#runtime/link.ts';
import type { Logger } from '#runtime/log.ts';
import { NewestPublisher } from '../newest-publisher.ts';
import { SECRETS } from '../sealing/identities.ts';
import type { Store } from '../store/store.ts';
import { auditorIdentity } from './auditor-key.ts';

type Announcement = { readonly gateway: string; readonly id: string; readonly wire: Uint8Array };

export type KeyPublisherOptions = {
  readonly store: Store;
  readonly site: string;
  readonly link: Pick<Link, 'publish' | 'connected'>;
  readonly ownerKey: () => Promise<KeyObject>;
  readonly clock: Clock;
  readonly log: Logger;
};

/** Tells every gateway to whom it seals its openings, retained, under the owner's signature of now. */
export class KeyPublisher {
  readonly #options: KeyPublisherOptions;
  readonly #publisher: NewestPublisher<Announcement>;
  #signed: { readonly id: string; readonly wire: Uint8Array } | null = null;

  constructor(options: KeyPublisherOptions) {
    this.#options = options;
    this.#publisher = new NewestPublisher({
      ...options,
      noun: 'the key of the auditor',
      topicOf: (gateway) => gatewayTopics(options.site, gateway).auditor,
      current: () => this.#current(),
      idOf: ({ id }) => id,
      wireOf: ({ wire }) => wire,
      onPublished: () => {},
    });
  }

  /** A new connection: it is published again. */
  linkUp(): Promise<void> {
    return this.#publisher.linkUp();
  }

  /** Looks for another key, another owner key and new gateways until the signal aborts. */
  run(signal: AbortSignal): Promise<void> {
    return this.#publisher.run(signal);
  }

  async #current(): Promise<Announcement[]> {
    const { store, site, ownerKey } = this.#options;
    const [auditor, sealed] = [
      await auditorIdentity(store),
      await store.secrets.get(SECRETS.ownerSigningKey),
    ];
    if (auditor === null || sealed === null) return [];
    const signer = createHash('sha256').update(sealed).digest('hex');
    const id = `${auditor.number} ${signer}`;
    if (this.#signed?.id !== id) {
      const { number, key } = auditor;
      this.#signed = { id, wire: signAuditorKey({ schema: 1, site, number, key }, await ownerKey()) };
    }
    const { wire } = this.#signed;
    return (await store.gateways.list()).map(({ name }) => ({ gateway: name, id, wire }));
  }
}
