import { type Layer, type LayerContext, type LayerShape, type Parameter, shapeSize } from './layer.ts';

/** y = body(x) + shortcut(x); without a shortcut layer x is added unchanged (He, Zhang, Ren, Sun 2016). */
export class ResidualLayer implements Layer {
  readonly output: LayerShape;
  readonly body: readonly Layer[];
  readonly shortcut: Layer | null;
  readonly #inputSize: number;
  readonly #values: Float32Array;
  readonly #inputGradient: Float32Array;

  /** @param body layers that turn `input` into the shape of the shortcut; they must return the gradient by their input. */
  constructor(context: LayerContext, input: LayerShape, body: readonly Layer[], shortcut: Layer | null) {
    this.body = body;
    this.shortcut = shortcut;
    this.output = shortcut?.output ?? input;
    this.#inputSize = shapeSize(input);
    this.#values = context.workspace.allocate(context.batch * shapeSize(this.output));
    this.#inputGradient = context.workspace.allocate(context.batch * this.#inputSize);
  }

  get parameters(): readonly Parameter[] {
    return [...this.body, ...(this.shortcut ? [this.shortcut] : [])].flatMap((layer) => layer.parameters);
  }

  forward(input: Float32Array, batch: number, training: boolean): Float32Array {
    let values = input;
    for (const layer of this.body) values = layer.forward(values, batch, training);
    const straight = this.shortcut?.forward(input, batch, training) ?? input;
    const size = batch * shapeSize(this.output);
    for (let i = 0; i < size; i++) this.#values[i] = values[i]! + straight[i]!;
    return this.#values;
  }

  backward(gradient: Float32Array, batch: number): Float32Array {
    let values = gradient;
    for (const layer of this.body.toReversed()) values = layer.backward(values, batch, true);
    const straight = this.shortcut?.backward(gradient, batch, true) ?? gradient;
    const size = batch * this.#inputSize;
    for (let i = 0; i < size; i++) this.#inputGradient[i] = values[i]! + straight[i]!;
    return this.#inputGradient;
  }
}
