import { type Layer, type LayerContext, type LayerShape, type Parameter, shapeSize } from './layer.ts';

/** y = c[0] + c[1]·x + c[2]·x² + …, one trained set of coefficients for the whole layer. */
export class PolynomialLayer implements Layer {
  readonly output: LayerShape;
  /** By rising power; without weight decay. */
  readonly coefficients: Parameter;
  readonly #values: Float32Array;
  readonly #inputGradient: Float32Array;
  #last: Float32Array = new Float32Array();

  constructor(context: LayerContext, input: LayerShape, coefficients: readonly number[]) {
    const { workspace, batch } = context;
    this.output = input;
    const values = workspace.allocate(coefficients.length);
    values.set(coefficients);
    this.coefficients = { values, gradients: workspace.allocate(coefficients.length), decays: false };
    this.#values = workspace.allocate(batch * shapeSize(input));
    this.#inputGradient = workspace.allocate(batch * shapeSize(input));
  }

  get parameters(): readonly Parameter[] {
    return [this.coefficients];
  }

  forward(input: Float32Array, batch: number): Float32Array {
    const size = batch * shapeSize(this.output);
    const { values: coefficients } = this.coefficients;
    this.#last = input;
    for (let i = 0; i < size; i++) {
      let value = 0;
      for (let k = coefficients.length - 1; k >= 0; k--) value = value * input[i]! + coefficients[k]!;
      this.#values[i] = value;
    }
    return this.#values;
  }

  backward(gradient: Float32Array, batch: number): Float32Array {
    const size = batch * shapeSize(this.output);
    const { values: coefficients, gradients } = this.coefficients;
    const sums = new Float64Array(coefficients.length);
    for (let i = 0; i < size; i++) {
      const x = this.#last[i]!;
      let power = gradient[i]!;
      let slope = 0;
      for (let k = 0; k < coefficients.length; k++) {
        sums[k]! += power;
        if (k + 1 < coefficients.length) slope += (k + 1) * coefficients[k + 1]! * power;
        power *= x;
      }
      this.#inputGradient[i] = slope;
    }
    sums.forEach((sum, k) => {
      gradients[k]! += sum;
    });
    return this.#inputGradient;
  }
}
