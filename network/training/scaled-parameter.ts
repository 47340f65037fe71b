import type { TrainedParameter } from './gradients/graph-trainer.ts';
import type { Parameter } from './layers/layer.ts';

/** Root of the mean square, 1 for nothing but zeros. */
export function sizeOfValues(values: Float32Array): number {
  let squares = 0;
  for (const value of values) squares += value * value;
  return Math.sqrt(squares / values.length) || 1;
}

/** A parameter in units of its own magnitude, so that one learning rate fits shifts of hundreds and factors of thousandths. */
export class ScaledParameter implements Parameter {
  readonly values: Float32Array;
  readonly gradients: Float32Array;
  readonly decays = false;
  readonly #trained: TrainedParameter;
  readonly #unit: number;

  /** @param unit what its values are of the size of; by default what they are now. */
  constructor(trained: TrainedParameter, unit = sizeOfValues(trained.values)) {
    this.#trained = trained;
    this.#unit = unit;
    this.values = trained.values.map((value) => value / this.#unit);
    this.gradients = new Float32Array(trained.values.length);
  }

  /** Takes the trained parameter's gradient. */
  read(): void {
    const { gradients } = this.#trained;
    for (let i = 0; i < gradients.length; i++) this.gradients[i] = gradients[i]! * this.#unit;
  }

  /** Takes the trained parameter's values: something else has changed them. */
  reread(): void {
    const { values } = this.#trained;
    for (let i = 0; i < values.length; i++) this.values[i] = values[i]! / this.#unit;
  }

  /** Sets the trained parameter to these values. */
  write(values = this.values): void {
    for (let i = 0; i < values.length; i++) this.#trained.values[i] = values[i]! * this.#unit;
  }
}
