import { NOTHING_PUSHED, type PushedVersions } from '../store/configurations.ts';
import type { ReleaseOfAnswer } from '../store/deployments.ts';
import type { SenderRecord } from '../store/gateways.ts';
import type { ModelRecord } from '../store/models.ts';
import type { KeySetId, KeySetRecord } from '../store/protections.ts';
import type { Store } from '../store/store.ts';
import { Gathered } from './gathered.ts';

/** As much of a key set as answers under it are judged by. */
export type KeySetOfAnswer = KeySetId & Pick<KeySetRecord, 'retirement'>;

/** An answer that may have been settled about the same moment under another number. */
type Shown = { readonly camera: string; readonly frameMs: number; readonly digest: string };

const itself = (name: string): string => name;

/**
 * What envelopes that are looked at together are judged by, as it is when it is first asked for: many are of the same network, so each is read once; and what is asked of
 * several at the same time is read together.
 */
export class BatchRecords {
  readonly #store: Store;
  readonly #models = new Map<string, Promise<ModelRecord | null>>();
  readonly #keySets = new Map<string, Promise<KeySetOfAnswer | null>>();
  readonly #senders: Gathered<string, SenderRecord>;
  readonly #owners: Gathered<string, string>;
  readonly #releases: Gathered<string, ReleaseOfAnswer>;
  readonly #pushed: Gathered<string, PushedVersions>;
  readonly #shown: Gathered<Shown, true>;

  constructor(store: Store) {
    this.#store = store;
    const { gateways, cameras, deployments, configurations, results } = store;
    this.#senders = new Gathered(itself, (names) => gateways.senders(names));
    this.#owners = new Gathered(itself, (names) => cameras.owners(names));
    this.#releases = new Gathered(itself, (digests) => deployments.ofAnswers(digests));
    this.#pushed = new Gathered(itself, (names) => configurations.pushedTo(names));
    const nameOf = ({ camera, frameMs, digest }: Shown): string => `${camera} ${frameMs} ${digest}`;
    this.#shown = new Gathered(nameOf, async (shown) => {
      const found = await results.about(shown);
      return new Map(found.map((one) => [nameOf(one), true]));
    });
  }

  async sender(name: string): Promise<SenderRecord | null> {
    return (await this.#senders.find(name)) ?? null;
  }

  /** Who owns a camera; null where nobody did when it was asked first. */
  async owner(camera: string): Promise<string | null> {
    return (await this.#owners.find(camera)) ?? null;
  }

  async release(digest: string): Promise<ReleaseOfAnswer | null> {
    return (await this.#releases.find(digest)) ?? null;
  }

  /** The settings that were pushed to a gateway. */
  async pushed(gateway: string): Promise<PushedVersions> {
    return (await this.#pushed.find(gateway)) ?? NOTHING_PUSHED;
  }

  /** Whether an answer with this ciphertext was settled about a picture of a camera at exactly this time, ms. */
  async isShown(shown: Shown): Promise<boolean> {
    return (await this.#shown.find(shown)) ?? false;
  }

  model(name: string, version: number): Promise<ModelRecord | null> {
    const key = `${name}/${version}`;
    const found = this.#models.get(key) ?? this.#store.models.get(name, version);
    this.#models.set(key, found);
    return found;
  }

  keySet({ model, version, number }: KeySetId): Promise<KeySetOfAnswer | null> {
    const key = `${model}/${version}/${number}`;
    const found = this.#keySets.get(key) ?? this.#readKeySet({ model, version, number });
    this.#keySets.set(key, found);
    return found;
  }

  async #readKeySet(id: KeySetId): Promise<KeySetOfAnswer | null> {
    const found = await this.#store.protections.retirement(id);
    return found === null ? null : { ...id, ...found };
  }
}
