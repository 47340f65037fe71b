import { setImmediate } from 'node:timers/promises';

/** Questions to the store that come at about the same time, answered by one query; each is asked once. */
export class Gathered<Key, Found> {
  readonly #nameOf: (key: Key) => string;
  readonly #read: (keys: readonly Key[]) => Promise<ReadonlyMap<string, Found>>;
  readonly #asked = new Map<string, Promise<Found | undefined>>();
  #next: { readonly keys: Key[]; readonly found: Promise<ReadonlyMap<string, Found>> } | null = null;

  /** @param nameOf the name of a key in what `read` finds */
  constructor(
    nameOf: (key: Key) => string,
    read: (keys: readonly Key[]) => Promise<ReadonlyMap<string, Found>>,
  ) {
    this.#nameOf = nameOf;
    this.#read = read;
  }

  /** @returns undefined where nothing is found */
  find(key: Key): Promise<Found | undefined> {
    const name = this.#nameOf(key);
    const asked = this.#asked.get(name) ?? this.#ask(key, name);
    this.#asked.set(name, asked);
    return asked;
  }

  async #ask(key: Key, name: string): Promise<Found | undefined> {
    if (this.#next === null) {
      const keys: Key[] = [];
      // Whoever asks now, in this turn of the event loop.
      const found = setImmediate().then(() => {
        this.#next = null;
        return this.#read(keys);
      });
      this.#next = { keys, found };
    }
    this.#next.keys.push(key);
    return (await this.#next.found).get(name);
  }
}
