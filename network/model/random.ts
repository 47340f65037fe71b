/** Seeded random numbers (xoshiro128**), the same on every machine. For training only, never for keys. */
export class SeededRandom {
  readonly #state: Uint32Array;

  constructor(seed: number) {
    // splitmix32 spreads the seed over the state.
    let z = seed >>> 0;
    this.#state = Uint32Array.from({ length: 4 }, () => {
      z = (z + 0x9e3779b9) >>> 0;
      let x = z;
      x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
      x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
      return (x ^ (x >>> 16)) >>> 0;
    });
  }

  /** Where the sequence is: four words. */
  get state(): readonly number[] {
    return [...this.#state];
  }

  /** Goes on where another sequence was, see {@link state}. */
  restore(state: readonly number[]): void {
    this.#state.set(state);
  }

  /** A 32-bit integer. */
  next(): number {
    const s = this.#state;
    const m = Math.imul(s[1]!, 5);
    const result = Math.imul((m << 7) | (m >>> 25), 9) >>> 0;
    const t = s[1]! << 9;
    s[2]! ^= s[0]!;
    s[3]! ^= s[1]!;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= t;
    s[3] = (s[3]! << 11) | (s[3]! >>> 21);
    return result;
  }

  /** Uniform in [low, high). */
  uniform(low = 0, high = 1): number {
    return low + ((high - low) * this.next()) / 2 ** 32;
  }

  /** An integer in [0, count). */
  below(count: number): number {
    return Math.floor(this.uniform(0, count));
  }

  /** Standard normal (Box and Muller). */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }

  /** Shuffles in place (Fisher and Yates). */
  shuffle(values: Uint32Array): void {
    for (let i = values.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      const kept = values[i]!;
      values[i] = values[j]!;
      values[j] = kept;
    }
  }
}
