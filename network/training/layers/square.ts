import { type Layer, type LayerContext, type LayerShape, type Parameter, shapeSize } from './layer.ts';

/** y = x². */
export class SquareLayer implements Layer {
  readonly output: LayerShape;
  readonly parameters: readonly Parameter[] = [];
  readonly #values: Float32Array;
  readonly #inputGradient: Float32Array;
  #last: Float32Array = new Float32Array();

  constructor(context: LayerContext, input: LayerShape) {
    this.output = input;
    this.#values = context.workspace.allocate(context.batch * shapeSize(input));
    this.#inputGradient = context.workspace.allocate(context.batch * shapeSize(input));
  }

  forward(input: Float32Array, batch: number): Float32Array {
    const size = batch * shapeSize(this.output);
    this.#last = input;
    for (let i = 0; i < size; i++) this.#values[i] = input[i]! * input[i]!;
    return this.#values;
  }

  backward(gradient: Float32Array, batch: number): Float32Array {
    const size = batch * shapeSize(this.output);
    for (let i = 0; i < size; i++) this.#inputGradient[i] = 2 * this.#last[i]! * gradient[i]!;
    return this.#inputGradient;
  }
}
