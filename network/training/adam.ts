import { clipFactor } from './clip-factor.ts';
import type { Parameter } from './layers/layer.ts';

/** Settings of {@link Adam}. */
export type AdamOptions = {
  /** Decoupled weight decay (AdamW), per step relative to the learning rate. */
  readonly weightDecay: number;
  /** Largest norm of the full gradient; a longer one is clipped to it. */
  readonly gradientNorm: number;
};

const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-8;

/** Adam with decoupled weight decay (Loshchilov and Hutter 2019) and gradient clipping. */
export class Adam {
  readonly #parameters: readonly Parameter[];
  readonly #options: AdamOptions;
  readonly #first: readonly Float32Array[];
  readonly #second: readonly Float32Array[];
  /** Steps taken. */
  steps = 0;

  constructor(parameters: readonly Parameter[], options: AdamOptions) {
    this.#parameters = parameters;
    this.#options = options;
    this.#first = parameters.map(({ values }) => new Float32Array(values.length));
    this.#second = parameters.map(({ values }) => new Float32Array(values.length));
  }

  /** All that is remembered from step to step, in place. */
  get state(): readonly Float32Array[] {
    return [...this.#first, ...this.#second];
  }

  /** Moves every parameter against its gradient. */
  step(learningRate: number): void {
    this.steps++;
    const clip = clipFactor(this.#parameters, this.#options.gradientNorm);
    const rate = (learningRate * Math.sqrt(1 - BETA2 ** this.steps)) / (1 - BETA1 ** this.steps);
    this.#parameters.forEach(({ values, gradients, decays }, p) => {
      const first = this.#first[p]!;
      const second = this.#second[p]!;
      const keep = decays ? 1 - learningRate * this.#options.weightDecay : 1;
      for (let i = 0; i < values.length; i++) {
        const g = gradients[i]! * clip;
        first[i] = BETA1 * first[i]! + (1 - BETA1) * g;
        second[i] = BETA2 * second[i]! + (1 - BETA2) * g * g;
        values[i] = values[i]! * keep - (rate * first[i]!) / (Math.sqrt(second[i]!) + EPSILON);
      }
    });
  }
}
