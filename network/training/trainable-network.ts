import { NetworkError } from '../errors.ts';
import { AverageLayer } from './layers/average.ts';
import { ConvolutionLayer } from './layers/convolution.ts';
import { DenseLayer } from './layers/dense.ts';
import { FlattenLayer } from './layers/flatten.ts';
import type { Layer, LayerContext, LayerShape, Parameter } from './layers/layer.ts';
import { NormalizationLayer } from './layers/normalization.ts';
import { SquareLayer } from './layers/square.ts';

/** One layer of an architecture, as it is written down. */
export type LayerSpec =
  | {
      readonly kind: 'convolution';
      readonly maps: number;
      readonly kernel: number;
      readonly stride?: number;
      readonly padding?: number;
    }
  | { readonly kind: 'dense'; readonly units: number }
  | { readonly kind: 'square' }
  | { readonly kind: 'normalize' }
  | { readonly kind: 'average'; readonly size: number };

/** The layers of a network, first to last; maps are flattened where a dense layer needs it. */
export type Architecture = readonly LayerSpec[];

/** Shape of the pictures that a network is trained on. */
export type PictureSize = { readonly channels: number; readonly height: number; readonly width: number };

function maps(shape: LayerShape, kind: string): Extract<LayerShape, { kind: 'maps' }> {
  if (shape.kind === 'maps') return shape;
  throw new NetworkError(
    'NETWORK_TRAINING',
    `a '${kind}' layer needs maps, but a dense layer comes before it`,
  );
}

function makeLayer(context: LayerContext, shape: LayerShape, spec: LayerSpec, first: boolean): Layer {
  switch (spec.kind) {
    case 'convolution':
      return new ConvolutionLayer(
        context,
        maps(shape, spec.kind),
        { maps: spec.maps, kernel: spec.kernel, stride: spec.stride ?? 1, padding: spec.padding ?? 0 },
        first,
      );
    case 'dense':
      if (shape.kind !== 'vector') throw new NetworkError('NETWORK_TRAINING', 'a dense layer needs a vector');
      return new DenseLayer(context, shape.units, spec.units);
    case 'square':
      return new SquareLayer(context, shape);
    case 'normalize':
      return new NormalizationLayer(context, shape);
    case 'average':
      return new AverageLayer(context, maps(shape, spec.kind), spec.size);
  }
}

/** A stack of layers that can be run forward and backward on batches. */
export class TrainableNetwork {
  readonly picture: PictureSize;
  readonly layers: readonly Layer[];
  readonly parameters: readonly Parameter[];
  readonly classes: number;

  /** @throws NetworkError NETWORK_TRAINING where the layers do not fit together. */
  constructor(context: LayerContext, picture: PictureSize, architecture: Architecture) {
    const layers: Layer[] = [];
    let shape: LayerShape = { kind: 'maps', ...picture };
    for (const spec of architecture) {
      if (spec.kind === 'dense' && shape.kind === 'maps') {
        layers.push(new FlattenLayer(context, shape));
        shape = layers.at(-1)!.output;
      }
      layers.push(makeLayer(context, shape, spec, layers.length === 0));
      shape = layers.at(-1)!.output;
    }
    if (shape.kind !== 'vector') throw new NetworkError('NETWORK_TRAINING', 'the last layer must be dense');
    this.picture = picture;
    this.layers = layers;
    this.parameters = layers.flatMap((layer) => layer.parameters);
    this.classes = shape.units;
  }

  /**
   * @param pictures [channels][batch][pixels].
   * @returns logits [batch][classes], valid until the next call.
   */
  forward(pictures: Float32Array, batch: number, training: boolean): Float32Array {
    let values = pictures;
    for (const layer of this.layers) values = layer.forward(values, batch, training);
    return values;
  }

  /** Sets every parameter's gradient from the gradient of the loss by the logits. */
  backward(gradient: Float32Array, batch: number): void {
    for (const parameter of this.parameters) parameter.gradients.fill(0);
    let values = gradient;
    for (let i = this.layers.length - 1; i >= 0; i--) values = this.layers[i]!.backward(values, batch, i > 0);
  }

  /** Lets training use the running statistics of normalization from now on (see `NormalizationLayer.frozen`). */
  freezeNormalization(): void {
    for (const layer of this.layers) if (layer instanceof NormalizationLayer) layer.frozen = true;
  }

  /** Copies everything that training changes, running statistics included. */
  snapshot(): Float32Array[] {
    return this.state.map((values) => values.slice());
  }

  /** Puts a {@link snapshot} back. */
  restore(snapshot: readonly Float32Array[]): void {
    this.state.forEach((values, i) => {
      values.set(snapshot[i]!);
    });
  }

  /** Everything that training changes, in place. */
  get state(): readonly Float32Array[] {
    return this.layers.flatMap((layer) => [
      ...layer.parameters.map((parameter) => parameter.values),
      ...(layer instanceof NormalizationLayer ? [layer.runningMean, layer.runningVariance] : []),
    ]);
  }
}
