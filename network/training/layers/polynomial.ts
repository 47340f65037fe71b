import type { Workspace } from '#network/model/kernel/workspace.ts';
import {
  channelsOf,
  channelWords,
  type Layer,
  type LayerContext,
  type LayerShape,
  type Parameter,
  shapeSize,
} from './layer.ts';

/**
 * Largest |b / 2a| of a quadratic with coefficients of its own for each map: encrypted it is a·(x + b/2a)² + …, and the square of a large number
 * drowns what x says in noise. x is normalized before, so that this is far outside of what x reaches.
 */
const MOST_SHIFT = 16;

/**
 * y = c[0] + c[1]·x + c[2]·x² + …, with trained coefficients: one set for the whole layer, or one for each map (or unit of a vector), which costs
 * nothing more encrypted and learns far better: 2011.05530 reports up to nine points between x² + x and x².
 */
export class PolynomialLayer implements Layer {
  readonly output: LayerShape;
  /** By rising power, one set after the other; without weight decay. */
  readonly coefficients: Parameter;
  readonly perMap: boolean;
  readonly #terms: number;
  readonly #workspace: Workspace;
  readonly #args: Int32Array;
  readonly #values: Float32Array;
  readonly #inputGradient: Float32Array;
  #last: Float32Array = new Float32Array();

  constructor(context: LayerContext, input: LayerShape, coefficients: readonly number[], perMap = false) {
    const { workspace, batch } = context;
    this.output = input;
    this.perMap = perMap;
    this.#workspace = workspace;
    this.#args = workspace.keep(new Int32Array(16));
    this.#terms = coefficients.length;
    const sets = perMap ? channelsOf(input) : 1;
    const values = workspace.allocate(sets * coefficients.length);
    for (let set = 0; set < sets; set++) values.set(coefficients, set * coefficients.length);
    this.coefficients = { values, gradients: workspace.allocate(values.length), decays: false };
    this.#values = workspace.allocate(batch * shapeSize(input));
    this.#inputGradient = workspace.allocate(batch * shapeSize(input));
    this.constrain();
  }

  get parameters(): readonly Parameter[] {
    return [this.coefficients];
  }

  /** Keeps each square of a map large enough to be completed, see {@link MOST_SHIFT}; its sign stays. */
  constrain(): void {
    if (!this.perMap || this.#terms !== 3) return;
    const { values } = this.coefficients;
    for (let at = 0; at < values.length; at += 3) {
      const least = Math.abs(values[at + 1]!) / (2 * MOST_SHIFT);
      const a = values[at + 2]!;
      if (Math.abs(a) < least) values[at + 2] = a < 0 ? -least : least;
    }
  }

  forward(input: Float32Array, batch: number): Float32Array {
    this.#last = input;
    if (this.perMap) {
      const words = [input, this.#values, ...channelWords(this.output, batch), this.coefficients.values];
      this.#workspace.run('quadratic', this.#args, channelsOf(this.output), words);
      return this.#values;
    }
    const size = batch * shapeSize(this.output);
    const { values: coefficients } = this.coefficients;
    for (let i = 0; i < size; i++) {
      let value = 0;
      for (let k = coefficients.length - 1; k >= 0; k--) value = value * input[i]! + coefficients[k]!;
      this.#values[i] = value;
    }
    return this.#values;
  }

  backward(gradient: Float32Array, batch: number): Float32Array {
    const { values: coefficients, gradients } = this.coefficients;
    if (this.perMap) {
      this.#workspace.run('quadraticBack', this.#args, channelsOf(this.output), [
        ...[gradient, this.#inputGradient, ...channelWords(this.output, batch)],
        ...[coefficients, this.#last, gradients],
      ]);
      return this.#inputGradient;
    }
    const size = batch * shapeSize(this.output);
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
