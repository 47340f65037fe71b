/**
 * Exponential moving average of everything that training changes (Polyak averaging). The averaged network is smoother than any single
 * step and answers better; it costs one pass over the weights per step.
 */
export class WeightAverage {
  readonly #decay: number;
  readonly #average: readonly Float32Array[];
  /** How often weights were taken in. */
  steps = 0;

  /** @param decay share of the past that is kept each step, 0 (none) to 1 (exclusive). */
  constructor(state: readonly Float32Array[], decay: number) {
    this.#decay = decay;
    this.#average = state.map((values) => new Float32Array(values.length));
  }

  /** Takes in the weights after a step. */
  add(state: readonly Float32Array[]): void {
    this.steps++;
    // Early on the average is a plain mean: weights from before training would drag it.
    const keep = Math.min(this.#decay, 1 - 1 / this.steps);
    this.#average.forEach((average, i) => {
      const values = state[i]!;
      for (let k = 0; k < average.length; k++) average[k] = keep * average[k]! + (1 - keep) * values[k]!;
    });
  }

  /** The averaged weights; not a copy. */
  get values(): readonly Float32Array[] {
    return this.#average;
  }
}
