import { pictureValues } from '#network/model/dataset.ts';
import type { Workspace } from '#network/model/kernel/workspace.ts';
import type { PictureFormat } from '#vision/picture-format.ts';
import { type Architecture, type LayerSpec, shortcutStride, stackOutput } from './architecture.ts';
import { AverageLayer } from './layers/average.ts';
import { ClampLayer } from './layers/clamp.ts';
import { ConvolutionLayer } from './layers/convolution.ts';
import { DenseLayer } from './layers/dense.ts';
import { FlattenLayer } from './layers/flatten.ts';
import { HerPnLayer } from './layers/herpn.ts';
import { type Layer, type LayerContext, type LayerShape, type Parameter, shapeSize } from './layers/layer.ts';
import { NormalizationLayer } from './layers/normalization.ts';
import { OffsetLayer } from './layers/offset.ts';
import { PolynomialLayer } from './layers/polynomial.ts';
import { ReluLayer } from './layers/relu.ts';
import { ResidualLayer } from './layers/residual.ts';
import { SquareLayer } from './layers/square.ts';

/** Layers whose input training may keep in range. */
const ACTIVATIONS: readonly LayerSpec['kind'][] = ['square', 'polynomial', 'herpn'];

type Maps = Extract<LayerShape, { kind: 'maps' }>;

/** Makes one layer; `stackOutput` has checked that it fits. */
function makeLayer(context: LayerContext, input: LayerShape, spec: LayerSpec, first: boolean): Layer {
  switch (spec.kind) {
    case 'convolution': {
      const { maps, kernel, stride = 1, padding = 0 } = spec;
      return new ConvolutionLayer(context, input as Maps, { maps, kernel, stride, padding }, first);
    }
    case 'dense':
      return new DenseLayer(context, (input as Exclude<LayerShape, Maps>).units, spec.units);
    case 'square':
      return new SquareLayer(context, input);
    case 'polynomial':
      return new PolynomialLayer(context, input, spec.coefficients, spec.perMap);
    case 'herpn':
      return new HerPnLayer(context, input);
    case 'relu':
      return new ReluLayer(context, input);
    case 'normalize':
      return new NormalizationLayer(context, input);
    case 'offset':
      return new OffsetLayer(context, input);
    case 'average':
      return new AverageLayer(context, input as Maps, spec.size);
    case 'residual': {
      const body = makeLayers(context, input, spec.layers, false);
      const output = body.at(-1)!.output;
      const stride = shortcutStride(input, output, spec.kind);
      if (stride === null) return new ResidualLayer(context, input, body, null);
      const geometry = { maps: (output as Maps).channels, kernel: 1, stride, padding: 0 };
      const shortcut = new ConvolutionLayer(context, input as Maps, geometry, false);
      return new ResidualLayer(context, input, body, shortcut);
    }
  }
}

function makeLayers(
  context: LayerContext,
  input: LayerShape,
  architecture: Architecture,
  first: boolean,
): Layer[] {
  const layers: Layer[] = [];
  let shape = input;
  for (const spec of architecture) {
    if (spec.kind === 'dense' && shape.kind === 'maps') {
      layers.push(new FlattenLayer(context, shape));
      shape = layers.at(-1)!.output;
    }
    if (context.clamp !== undefined && ACTIVATIONS.includes(spec.kind))
      layers.push(new ClampLayer(context, shape, context.clamp));
    layers.push(makeLayer(context, shape, spec, first && layers.length === 0));
    shape = layers.at(-1)!.output;
  }
  return layers;
}

/** Layers, with residual blocks replaced by their layers. */
function leavesOf(layers: readonly Layer[]): Layer[] {
  return layers.flatMap((layer) =>
    layer instanceof ResidualLayer
      ? leavesOf([...layer.body, ...(layer.shortcut ? [layer.shortcut] : [])])
      : [layer],
  );
}

/** A stack of layers that runs forward and backward on batches. */
export class TrainableNetwork {
  readonly picture: PictureFormat;
  readonly layers: readonly Layer[];
  readonly parameters: readonly Parameter[];
  readonly output: LayerShape;
  readonly #leaves: readonly Layer[];
  readonly #workspace: Workspace;
  /** For pictures from elsewhere: the kernel reads its workspace only. */
  readonly #pictures: Float32Array;

  /** @throws NetworkError NETWORK_TRAINING if the layers do not fit together. */
  constructor(context: LayerContext, picture: PictureFormat, architecture: Architecture) {
    const { channels, height, width } = picture;
    const input: LayerShape = { kind: 'maps', channels, height, width };
    this.output = stackOutput(architecture, input, 'layers');
    this.picture = { channels, height, width };
    this.layers = makeLayers(context, input, architecture, true);
    this.#workspace = context.workspace;
    this.#pictures = context.workspace.allocate(context.batch * pictureValues(picture));
    this.#leaves = leavesOf(this.layers);
    this.parameters = this.layers.flatMap((layer) => layer.parameters);
  }

  /** Number of outputs for one picture. */
  get outputs(): number {
    return shapeSize(this.output);
  }

  /** Products of two numbers that a picture takes forward; backward takes twice as many. */
  get products(): number {
    return this.#leaves.reduce((sum, { products = 0 }) => sum + products, 0);
  }

  /**
   * @param pictures [channels][batch][pixels].
   * @returns outputs, [batch][units] or [maps][batch][cells], valid until the next call.
   */
  forward(pictures: Float32Array, batch: number, training: boolean): Float32Array {
    let values = pictures;
    if (!this.#workspace.holds(pictures)) {
      values = this.#pictures;
      values.set(pictures.subarray(0, batch * pictureValues(this.picture)));
    }
    for (const layer of this.layers) values = layer.forward(values, batch, training);
    return values;
  }

  /** What {@link forward} gave for the `n`th picture of a batch; of maps one map after the other. */
  outputsOf(all: Float32Array, n: number, batch: number): Float32Array {
    const count = this.output.kind === 'maps' ? this.output.channels : 1;
    const size = this.outputs / count;
    const own = new Float32Array(this.outputs);
    for (let c = 0; c < count; c++)
      own.set(all.subarray((c * batch + n) * size, (c * batch + n + 1) * size), c * size);
    return own;
  }

  /** Sets every parameter's gradient from the gradient of the loss by the outputs. */
  backward(gradient: Float32Array, batch: number): void {
    for (const parameter of this.parameters) parameter.gradients.fill(0);
    let values = gradient;
    for (let i = this.layers.length - 1; i >= 0; i--) values = this.layers[i]!.backward(values, batch, i > 0);
  }

  /** Lets training use the running statistics of normalization from now on (see `Layer.frozen`). */
  freezeNormalization(): void {
    for (const layer of this.#leaves) if (layer.statistics !== undefined) layer.frozen = true;
  }

  /** Brings parameters back into the limits of their layers, after a step. */
  constrain(): void {
    for (const layer of this.#leaves) layer.constrain?.();
  }

  /** Copies everything that training changes, running statistics included. */
  snapshot(): Float32Array[] {
    return this.state.map((values) => values.slice());
  }

  /** Restores a {@link snapshot}. */
  restore(snapshot: readonly Float32Array[]): void {
    this.state.forEach((values, i) => {
      values.set(snapshot[i]!);
    });
  }

  /** Everything that training changes, in place. */
  get state(): readonly Float32Array[] {
    return this.#leaves.flatMap((layer) => [
      ...layer.parameters.map((parameter) => parameter.values),
      ...(layer.statistics ?? []),
    ]);
  }
}
