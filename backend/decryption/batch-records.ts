import type { ModelRecord } from '../store/models.ts';
import type { KeySetId, KeySetRecord } from '../store/protections.ts';
import type { Store } from '../store/store.ts';

/** As much of a key set as answers under it are judged by. */
export type KeySetOfAnswer = KeySetId & Pick<KeySetRecord, 'retirement'>;

/** Networks and key sets of envelopes that are looked at together: many answers are of the same, so each is read once. */
export class BatchRecords {
  readonly #store: Pick<Store, 'models' | 'protections'>;
  readonly #models = new Map<string, Promise<ModelRecord | null>>();
  readonly #keySets = new Map<string, Promise<KeySetOfAnswer | null>>();

  constructor(store: Pick<Store, 'models' | 'protections'>) {
    this.#store = store;
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
