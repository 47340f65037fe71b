import { type Layer, type LayerContext, type LayerShape, type Parameter, shapeSize } from './layer.ts';

/** Mean over square windows that do not overlap; rows and columns beyond the last full window are dropped. */
export class AverageLayer implements Layer {
  readonly output: Extract<LayerShape, { kind: 'maps' }>;
  readonly size: number;
  readonly parameters: readonly Parameter[] = [];
  readonly #input: Extract<LayerShape, { kind: 'maps' }>;
  readonly #values: Float32Array;
  readonly #inputGradient: Float32Array;

  constructor(context: LayerContext, input: Extract<LayerShape, { kind: 'maps' }>, size: number) {
    this.size = size;
    this.#input = input;
    this.output = {
      kind: 'maps',
      channels: input.channels,
      height: Math.floor(input.height / size),
      width: Math.floor(input.width / size),
    };
    this.#values = context.workspace.allocate(context.batch * shapeSize(this.output));
    this.#inputGradient = context.workspace.allocate(context.batch * shapeSize(input));
  }

  /** Calls `visit` for each pixel inside a window: pixel of the input, pixel of the output. */
  #forEachPixel(batch: number, visit: (from: number, to: number) => void): void {
    const { height, width } = this.#input;
    for (let image = 0; image < this.output.channels * batch; image++) {
      for (let y = 0; y < this.output.height * this.size; y++) {
        const row = image * this.output.height + Math.floor(y / this.size);
        for (let x = 0; x < this.output.width * this.size; x++) {
          visit((image * height + y) * width + x, row * this.output.width + Math.floor(x / this.size));
        }
      }
    }
  }

  forward(input: Float32Array, batch: number): Float32Array {
    const share = 1 / this.size ** 2;
    this.#values.fill(0);
    this.#forEachPixel(batch, (from, to) => {
      this.#values[to]! += share * input[from]!;
    });
    return this.#values;
  }

  backward(gradient: Float32Array, batch: number): Float32Array {
    const share = 1 / this.size ** 2;
    this.#inputGradient.fill(0);
    this.#forEachPixel(batch, (from, to) => {
      this.#inputGradient[from] = share * gradient[to]!;
    });
    return this.#inputGradient;
  }
}
