import { clipFactor } from './clip-factor.ts';
import type { Parameter } from './layers/layer.ts';

/** Settings of {@link Sgd}. */
export type SgdOptions = {
  /** Decoupled weight decay, per step relative to the learning rate. */
  readonly weightDecay: number;
  /** Largest norm of the full gradient; a longer one is clipped to it. */
  readonly gradientNorm: number;
};

const MOMENTUM = 0.9;

/** Stochastic gradient descent with Nesterov's momentum, decoupled weight decay and gradient clipping. */
export class Sgd {
  readonly #parameters: readonly Parameter[];
  readonly #options: SgdOptions;
  readonly #velocity: readonly Float32Array[];
  /** Steps taken. */
  steps = 0;

  constructor(parameters: readonly Parameter[], options: SgdOptions) {
    this.#parameters = parameters;
    this.#options = options;
    this.#velocity = parameters.map(({ values }) => new Float32Array(values.length));
  }

  /** All that is remembered from step to step, in place. */
  get state(): readonly Float32Array[] {
    return this.#velocity;
  }

  /** Moves every parameter against its gradient. */
  step(learningRate: number): void {
    this.steps++;
    const clip = clipFactor(this.#parameters, this.#options.gradientNorm);
    this.#parameters.forEach(({ values, gradients, decays }, p) => {
      const velocity = this.#velocity[p]!;
      const keep = decays ? 1 - learningRate * this.#options.weightDecay : 1;
      for (let i = 0; i < values.length; i++) {
        const g = gradients[i]! * clip;
        velocity[i] = MOMENTUM * velocity[i]! + g;
        values[i] = values[i]! * keep - learningRate * (g + MOMENTUM * velocity[i]!);
      }
    });
  }
}
