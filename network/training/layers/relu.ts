import { type Layer, type LayerContext, type LayerShape, type Parameter, shapeSize } from './layer.ts';

/**
 * y = max(0, x): for teachers, and to see what quadratics cost. No network with it can be encrypted as it is; `blindsight model import` approximates it.
 */
export class ReluLayer implements Layer {
  readonly output: LayerShape;
  readonly parameters: readonly Parameter[] = [];
  readonly #values: Float32Array;
  readonly #inputGradient: Float32Array;

  constructor(context: LayerContext, input: LayerShape) {
    this.output = input;
    this.#values = context.workspace.allocate(context.batch * shapeSize(input));
    this.#inputGradient = context.workspace.allocate(context.batch * shapeSize(input));
  }

  forward(input: Float32Array, batch: number): Float32Array {
    const size = batch * shapeSize(this.output);
    for (let i = 0; i < size; i++) this.#values[i] = Math.max(0, input[i]!);
    return this.#values;
  }

  backward(gradient: Float32Array, batch: number): Float32Array {
    const size = batch * shapeSize(this.output);
    for (let i = 0; i < size; i++) this.#inputGradient[i] = this.#values[i]! > 0 ? gradient[i]! : 0;
    return this.#inputGradient;
  }
}
