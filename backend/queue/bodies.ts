/** Bytes that are kept for whoever takes envelopes next. */
const MAX_BYTES = 16 * 2 ** 20;
/** Envelopes that are fetched at once. */
const AHEAD = 32;

type Body = { readonly bytes: Promise<Uint8Array | null>; size: number };

/** Bytes of envelopes that are fetched one after the other by those who take them, and here many at a time, ahead of them. */
export class Bodies {
  readonly #fetch: (id: number) => Promise<Uint8Array | null>;
  readonly #following: (id: number, count: number) => readonly number[];
  /** Oldest first. */
  readonly #bodies = new Map<number, Body>();
  #size = 0;

  constructor(
    fetch: (id: number) => Promise<Uint8Array | null>,
    following: (id: number, count: number) => readonly number[],
  ) {
    this.#fetch = fetch;
    this.#following = following;
  }

  /** @returns null where it is gone */
  async of(id: number): Promise<Uint8Array | null> {
    if (!this.#bodies.has(id))
      for (const next of [id, ...this.#following(id, AHEAD - 1)])
        if (!this.#bodies.has(next)) this.#begin(next);
    return this.#bodies.get(id)!.bytes;
  }

  forget(id: number): void {
    this.#size -= this.#bodies.get(id)?.size ?? 0;
    this.#bodies.delete(id);
  }

  clear(): void {
    this.#bodies.clear();
    this.#size = 0;
  }

  #begin(id: number): void {
    const bytes = this.#fetch(id);
    const body = { bytes, size: 0 };
    this.#bodies.set(id, body);
    bytes.then(
      (found) => {
        if (this.#bodies.get(id) !== body) return;
        if (found === null) return this.forget(id);
        body.size = found.length;
        this.#size += found.length;
        for (const oldest of this.#bodies.keys()) {
          if (this.#size <= MAX_BYTES || oldest === id) break;
          this.forget(oldest);
        }
      },
      () => this.forget(id),
    );
  }
}
