import {
  type Filters,
  LaneConvolution,
  type PictureStrides,
} from '#network/model/kernel/lane-convolution.ts';
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
  readonly #input: Extract<LayerShape, { kind: 'maps' }>;
  readonly #convolution: LaneConvolution;
  readonly #values: Float32Array;
  readonly #inputGradient: Float32Array;

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
    const { workspace, batch } = context;
    this.#input = input;
    this.geometry = geometry;
    this.output = { kind: 'maps', channels: maps, height, width };
    this.weight = drawParameter(context, maps * depth, Math.sqrt(1 / depth));
    this.bias = fillParameter(context, maps, 0);
    this.#values = workspace.allocate(maps * batch * height * width);
    const pixels = input.height * input.width;
    // The first layer's input is the picture: its gradient is not needed.
    this.#inputGradient = workspace.allocate(first ? 0 : input.channels * batch * pixels);
    this.#convolution = new LaneConvolution(
      workspace,
      {
        ...{ channels: input.channels, maps, pixels },
        ...{ positions: height * width, taps: kernel * kernel, index: this.#index() },
      },
      batch,
      { weights: true, input: !first },
    );
  }

  /** index[tap · positions + position]: pixel of the input, or −1 on padding. */
  #index(): Int32Array {
    const { kernel, stride, padding } = this.geometry;
    const { height, width } = this.#input;
    const positions = this.output.height * this.output.width;
    return Int32Array.from({ length: kernel * kernel * positions }, (_, i) => {
      const [tap, position] = [Math.floor(i / positions), i % positions];
      const y = Math.floor(position / this.output.width) * stride + Math.floor(tap / kernel) - padding;
      const x = (position % this.output.width) * stride + (tap % kernel) - padding;
      return y >= 0 && y < height && x >= 0 && x < width ? y * width + x : -1;
    });
  }

  get products(): number {
    return this.weight.values.length * this.output.height * this.output.width;
  }

  get parameters(): readonly Parameter[] {
    return [this.weight, this.bias];
  }

  /** Distances of pictures and channels where values are stored channel by channel. */
  #strides(
    { height, width }: { readonly height: number; readonly width: number },
    batch: number,
  ): PictureStrides {
    return { picture: height * width, channel: batch * height * width };
  }

  get #filters(): Filters {
    return { weights: this.weight.values, biases: this.bias.values };
  }

  forward(input: Float32Array, batch: number): Float32Array {
    const strides = this.#strides(this.#input, batch);
    this.#convolution.forward(
      input,
      strides,
      this.#filters,
      this.#values,
      this.#strides(this.output, batch),
      batch,
    );
    return this.#values;
  }

  backward(gradient: Float32Array, batch: number, wanted: boolean): Float32Array {
    this.#convolution.backward(
      gradient,
      this.#strides(this.output, batch),
      this.#filters,
      { weights: this.weight.gradients, biases: this.bias.gradients },
      wanted ? this.#inputGradient : undefined,
      this.#strides(this.#input, batch),
      batch,
    );
    return this.#inputGradient;
  }
}
