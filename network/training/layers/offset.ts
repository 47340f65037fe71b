import {
  fillParameter,
  type Layer,
  type LayerContext,
  type LayerShape,
  type Parameter,
  shapeSize,
} from './layer.ts';

/**
 * y = x + b with a separate trained b for every value: on the pictures of one camera it learns to subtract what is always there.
 * Encrypted it costs nothing, as it merges with its neighboring layers.
 */
export class OffsetLayer implements Layer {
  readonly output: LayerShape;
  /** [channels][pixels] or [units]. */
  readonly offset: Parameter;
  readonly #values: Float32Array;

  constructor(context: LayerContext, input: LayerShape) {
    this.output = input;
    this.offset = fillParameter(context, shapeSize(input), 0);
    this.#values = context.workspace.allocate(context.batch * shapeSize(input));
  }

  get parameters(): readonly Parameter[] {
    return [this.offset];
  }

  /** Calls `visit` for each run of values of one picture: first index in the batch, first index in the offset, length. */
  #forEachRun(batch: number, visit: (at: number, from: number, length: number) => void): void {
    const channels = this.output.kind === 'vector' ? 1 : this.output.channels;
    const pixels = shapeSize(this.output) / channels;
    for (let c = 0; c < channels; c++) {
      for (let n = 0; n < batch; n++) visit((c * batch + n) * pixels, c * pixels, pixels);
    }
  }

  forward(input: Float32Array, batch: number): Float32Array {
    const { values: offset } = this.offset;
    this.#forEachRun(batch, (at, from, length) => {
      for (let i = 0; i < length; i++) this.#values[at + i] = input[at + i]! + offset[from + i]!;
    });
    return this.#values;
  }

  backward(gradient: Float32Array, batch: number): Float32Array {
    const { gradients } = this.offset;
    this.#forEachRun(batch, (at, from, length) => {
      for (let i = 0; i < length; i++) gradients[from + i]! += gradient[at + i]!;
    });
    return gradient;
  }
}
