import {
  drawParameter,
  fillParameter,
  type Layer,
  type LayerContext,
  type LayerShape,
  type Parameter,
} from './layer.ts';

/** Geometry of a convolution; padding is the same on all four sides. */
export type ConvolutionGeometry = {
  readonly maps: number;
  readonly kernel: number;
  readonly stride: number;
  readonly padding: number;
};

/** 2-D convolution with bias over [channels][batch][pixels]. */
export class ConvolutionLayer implements Layer {
  readonly output: Extract<LayerShape, { kind: 'maps' }>;
  readonly geometry: ConvolutionGeometry;
  readonly weight: Parameter;
  readonly bias: Parameter;
  readonly #context: LayerContext;
  readonly #input: Extract<LayerShape, { kind: 'maps' }>;
  readonly #columns: Float32Array;
  readonly #values: Float32Array;
  readonly #inputGradient: Float32Array;
  readonly #columnGradient: Float32Array;
  /** The input, if it comes from elsewhere: a picture. */
  readonly #picture: Float32Array;
  readonly #taps: number;
  /** index[(tap · batch + n) · positions + position]: place in a channel of the batch, or −1 on padding; for one size of batch. */
  readonly #index: Int32Array;
  #indexed = 0;

  constructor(
    context: LayerContext,
    input: Extract<LayerShape, { kind: 'maps' }>,
    geometry: ConvolutionGeometry,
    first: boolean,
  ) {
    const { maps, kernel, stride, padding } = geometry;
    const height = Math.floor((input.height + 2 * padding - kernel) / stride) + 1;
    const width = Math.floor((input.width + 2 * padding - kernel) / stride) + 1;
    const depth = input.channels * kernel * kernel;
    const positions = height * width;
    const { workspace, batch } = context;
    this.#context = context;
    this.#input = input;
    this.geometry = geometry;
    this.output = { kind: 'maps', channels: maps, height, width };
    this.weight = drawParameter(context, maps * depth, Math.sqrt(1 / depth));
    this.bias = fillParameter(context, maps, 0);
    this.#columns = workspace.allocate(depth * batch * positions);
    this.#values = workspace.allocate(maps * batch * positions);
    // The first layer's input is the picture: its gradient is not needed.
    this.#inputGradient = workspace.allocate(first ? 0 : input.channels * batch * input.height * input.width);
    this.#columnGradient = workspace.allocate(first ? 0 : depth * batch * positions);
    this.#picture = workspace.allocate(first ? input.channels * batch * input.height * input.width : 0);
    this.#taps = kernel * kernel;
    this.#index = workspace.keep(new Int32Array(this.#taps * batch * positions));
  }

  /** The index for a batch of this size. */
  #indexFor(batch: number): Int32Array {
    const { kernel, stride, padding } = this.geometry;
    const { height, width } = this.#input;
    const positions = this.#positions;
    const index = this.#index.subarray(0, this.#taps * batch * positions);
    if (batch === this.#indexed) return index;
    this.#indexed = batch;
    for (let tap = 0; tap < this.#taps; tap++) {
      for (let position = 0; position < positions; position++) {
        const y = Math.floor(position / this.output.width) * stride + Math.floor(tap / kernel) - padding;
        const x = (position % this.output.width) * stride + (tap % kernel) - padding;
        const inside = y >= 0 && y < height && x >= 0 && x < width;
        for (let n = 0; n < batch; n++) {
          const at = inside ? (n * height + y) * width + x : -1;
          index[(tap * batch + n) * positions + position] = at;
        }
      }
    }
    return index;
  }

  get parameters(): readonly Parameter[] {
    return [this.weight, this.bias];
  }

  get #positions(): number {
    return this.output.height * this.output.width;
  }

  get #depth(): number {
    return this.#input.channels * this.geometry.kernel ** 2;
  }

  forward(input: Float32Array, batch: number): Float32Array {
    const { workspace } = this.#context;
    const { channels, height, width } = this.#input;
    const length = batch * this.#positions;
    const size = channels * batch * height * width;
    const own = workspace.holds(input) ? input : this.#picture;
    if (own !== input) own.set(input.subarray(0, size));
    workspace.gather(this.#columns, own.subarray(0, size), this.#indexFor(batch), channels);
    for (let m = 0; m < this.geometry.maps; m++)
      this.#values.fill(this.bias.values[m]!, m * length, (m + 1) * length);
    workspace.multiply(
      this.#values,
      this.weight.values,
      this.#columns,
      this.geometry.maps,
      this.#depth,
      length,
      true,
    );
    return this.#values;
  }

  backward(gradient: Float32Array, batch: number, wanted: boolean): Float32Array {
    const { workspace } = this.#context;
    const { maps } = this.geometry;
    const length = batch * this.#positions;
    for (let m = 0; m < maps; m++) {
      let sum = 0;
      for (let i = m * length; i < (m + 1) * length; i++) sum += gradient[i]!;
      this.bias.gradients[m]! += sum;
    }
    workspace.multiplyRightTransposed(
      this.weight.gradients,
      gradient,
      this.#columns,
      maps,
      length,
      this.#depth,
      true,
    );
    if (wanted) {
      workspace.multiplyLeftTransposed(
        this.#columnGradient,
        this.weight.values,
        gradient,
        this.#depth,
        maps,
        length,
      );
      const { channels, height, width } = this.#input;
      const image = this.#inputGradient.subarray(0, channels * batch * height * width).fill(0);
      workspace.scatter(image, this.#columnGradient, this.#indexFor(batch), channels);
    }
    return this.#inputGradient;
  }
}
