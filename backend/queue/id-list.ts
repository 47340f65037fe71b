import { firstAbove } from './first-above.ts';

/** Removed ids that are kept at most before the rest is moved together. */
const FEW = 256;

/** Ids that are added in ascending order, and removed in any. */
export class IdList {
  #ids: number[] = [];
  readonly #isLive: (id: number) => boolean;
  #dead = 0;

  /** @param isLive whether an id is not removed */
  constructor(isLive: (id: number) => boolean) {
    this.#isLive = isLive;
  }

  get size(): number {
    return this.#ids.length - this.#dead;
  }

  add(id: number): void {
    this.#ids.push(id);
  }

  /** One of them is no longer live. */
  removed(): void {
    this.#dead += 1;
    if (this.#dead < FEW || this.#dead * 2 < this.#ids.length) return;
    this.#ids = this.#ids.filter(this.#isLive);
    this.#dead = 0;
  }

  /** Those after an id, at most so many. */
  after(id: number, limit: number): number[] {
    const found: number[] = [];
    for (let i = firstAbove(this.#ids, id); i < this.#ids.length && found.length < limit; i++)
      if (this.#isLive(this.#ids[i]!)) found.push(this.#ids[i]!);
    return found;
  }
}
