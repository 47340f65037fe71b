/** A fixed camera's scene with nothing in it, in RGB bytes. */
export type Scene = {
  readonly colors: Uint8Array;
  /** How much each byte varies by itself: median deviation from `colors`. */
  readonly spread: Uint8Array;
};

/** Most frames whose median is taken. */
const MOST_SAMPLES = 128;

/** Gathers frames at even distances, however many there will be. */
export class SceneSamples {
  readonly #samples: Uint8Array[] = [];
  #stride = 1;
  #seen = 0;

  /** @param make called for a frame that is wanted; its bytes are kept */
  add(make: () => Uint8Array): void {
    if (this.#seen++ % this.#stride !== 0) return;
    this.#samples.push(make());
    if (this.#samples.length < MOST_SAMPLES) return;
    const kept = this.#samples.filter((_, i) => i % 2 === 0);
    this.#samples.splice(0, MOST_SAMPLES, ...kept);
    this.#stride *= 2;
  }

  /** The median of what was gathered: what stands still for more than half of the time belongs to the scene. */
  scene(): Scene {
    const { length = 0 } = this.#samples[0] ?? {};
    const colors = new Uint8Array(length);
    const spread = new Uint8Array(length);
    const counts = new Uint16Array(256);
    const median = (of: (sample: Uint8Array) => number): number => {
      counts.fill(0);
      for (const sample of this.#samples) counts[of(sample)]!++;
      let left = this.#samples.length >> 1;
      let value = 0;
      while (left >= counts[value]!) left -= counts[value++]!;
      return value;
    };
    for (let i = 0; i < length; i++) {
      const color = median((sample) => sample[i]!);
      colors[i] = color;
      spread[i] = median((sample) => Math.abs(sample[i]! - color));
    }
    return { colors, spread };
  }
}
