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
  /** index[tap · positions + position]: pixel of a channel, or −1 on padding. */
  readonly #index: Int32Array;

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
    this.#index = new Int32Array(kernel * kernel * positions);
    for (let tap = 0; tap < kernel * kernel; tap++) {
      for (let position = 0; position < positions; position++) {
        const y = Math.floor(position / width) * stride + Math.floor(tap / kernel) - padding;
        const x = (position % width) * stride + (tap % kernel) - padding;
        const inside = y >= 0 && y < input.height && x >= 0 && x < input.width;
        this.#index[tap * positions + position] = inside ? y * input.width + x : -1;
      }
    }
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
    const positions = this.#positions;
    const pixels = this.#input.height * this.#input.width;
    const taps = this.geometry.kernel ** 2;
    const length = batch * positions;
    for (let row = 0; row < this.#depth; row++) {
      const channel = Math.floor(row / taps);
      const tap = (row % taps) * positions;
      for (let n = 0; n < batch; n++) {
        const from = (channel * batch + n) * pixels;
        const to = row * length + n * positions;
        for (let p = 0; p < positions; p++) {
          const at = this.#index[tap + p]!;
          this.#columns[to + p] = at < 0 ? 0 : input[from + at]!;
        }
      }
    }
    for (let m = 0; m < this.geometry.maps; m++)
      this.#values.fill(this.bias.values[m]!, m * length, (m + 1) * length);
    this.#context.workspace.multiply(
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
      this.#scatter(batch);
    }
    return this.#inputGradient;
  }

  /** Adds the gradients of all patches to their source pixels. */
  #scatter(batch: number): void {
    const positions = this.#positions;
    const pixels = this.#input.height * this.#input.width;
    const taps = this.geometry.kernel ** 2;
    this.#inputGradient.fill(0);
    for (let row = 0; row < this.#depth; row++) {
      const channel = Math.floor(row / taps);
      const tap = (row % taps) * positions;
      for (let n = 0; n < batch; n++) {
        const to = (channel * batch + n) * pixels;
        const from = (row * batch + n) * positions;
        for (let p = 0; p < positions; p++) {
          const at = this.#index[tap + p]!;
          if (at >= 0) this.#inputGradient[to + at]! += this.#columnGradient[from + p]!;
        }
      }
    }
  }
}
