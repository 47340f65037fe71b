import type { PictureFormat } from '#vision/picture-format.ts';
import { NetworkError } from '../errors.ts';
import type { LayerShape } from './layers/layer.ts';

/** One layer of an architecture, as written in a recipe. */
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
  /** c[0] + c[1]·x + c[2]·x² + …: where training starts; it changes the coefficients, one set for the layer, or one for each map. */
  | { readonly kind: 'polynomial'; readonly coefficients: readonly number[]; readonly perMap?: boolean }
  /** Normalization and quadratic in one, see `HerPnLayer`. */
  | { readonly kind: 'herpn' }
  /** For teachers only: it cannot be encrypted. */
  | { readonly kind: 'relu' }
  | { readonly kind: 'normalize' }
  /** Adds a separate trained constant to every value: it can subtract what is always in the picture. */
  | { readonly kind: 'offset' }
  | { readonly kind: 'average'; readonly size: number }
  /**
   * The output of its layers plus the input. If they change its shape, a convolution of 1 × 1 (with their stride) adapts the input.
   */
  | { readonly kind: 'residual'; readonly layers: Architecture };

/** The layers of a network, first to last; maps are flattened if a dense layer needs it. */
export type Architecture = readonly LayerSpec[];

type Maps = Extract<LayerShape, { kind: 'maps' }>;

/** Name of a shape in messages. */
function shapeText(shape: LayerShape): string {
  return shape.kind === 'vector'
    ? `${shape.units} units`
    : `${shape.channels} maps of ${shape.height} × ${shape.width}`;
}

function refuse(path: string, text: string): never {
  throw new NetworkError('NETWORK_TRAINING', `${path}: ${text}`);
}

function maps(shape: LayerShape, kind: string, path: string): Maps {
  if (shape.kind === 'maps') return shape;
  return refuse(path, `a '${kind}' layer needs maps, but a dense layer comes before it; move it up`);
}

function convolved(spec: Extract<LayerSpec, { kind: 'convolution' }>, input: Maps, path: string): Maps {
  const { kernel, stride = 1, padding = 0 } = spec;
  const size = (length: number): number => Math.floor((length + 2 * padding - kernel) / stride) + 1;
  const [height, width] = [size(input.height), size(input.width)];
  if (height < 1 || width < 1) {
    const most = Math.min(input.height, input.width) + 2 * padding;
    refuse(
      path,
      `a kernel of ${kernel} × ${kernel} does not fit into ${shapeText(input)}; make it ${most} or smaller, or add padding`,
    );
  }
  return { kind: 'maps', channels: spec.maps, height, width };
}

/**
 * The stride of the 1 × 1 convolution that adapts a residual block's input to the shape of its output; null if the input is added unchanged.
 *
 * @throws NetworkError NETWORK_TRAINING if nothing can adapt it.
 */
export function shortcutStride(input: LayerShape, output: LayerShape, path: string): number | null {
  const text = `the layers turn ${shapeText(input)} into ${shapeText(output)}`;
  if (shapeText(input) === shapeText(output)) return null;
  if (input.kind === 'vector' || output.kind === 'vector')
    return refuse(path, `${text}, and only the same shape can be added; end them with as many units`);
  for (let stride = 1; stride <= input.height; stride++) {
    const reached = Math.floor((input.height - 1) / stride) + 1 === output.height;
    if (reached && Math.floor((input.width - 1) / stride) + 1 === output.width) return stride;
  }
  return refuse(
    path,
    `${text}, which no stride of the shortcut reaches; pad convolutions of kernel k by (k − 1) / 2`,
  );
}

/**
 * Shape after a layer.
 *
 * @param path of the layer, for messages.
 * @throws NetworkError NETWORK_TRAINING if the layer does not fit its input.
 */
export function layerOutput(spec: LayerSpec, input: LayerShape, path: string): LayerShape {
  switch (spec.kind) {
    case 'convolution':
      return convolved(spec, maps(input, spec.kind, path), path);
    case 'dense':
      return { kind: 'vector', units: spec.units };
    case 'average': {
      const { channels, height, width } = maps(input, spec.kind, path);
      if (spec.size > Math.min(height, width))
        refuse(path, `windows of ${spec.size} × ${spec.size} do not fit into ${shapeText(input)}`);
      const size = (length: number): number => Math.floor(length / spec.size);
      return { kind: 'maps', channels, height: size(height), width: size(width) };
    }
    case 'residual': {
      const output = stackOutput(spec.layers, input, `${path}.layers`);
      shortcutStride(input, output, path);
      return output;
    }
    case 'square':
    case 'polynomial':
    case 'herpn':
    case 'relu':
    case 'normalize':
    case 'offset':
      return input;
  }
}

/** Shape after a stack of layers; see {@link layerOutput}. */
export function stackOutput(layers: Architecture, input: LayerShape, path: string): LayerShape {
  return layers.reduce((shape, spec, i) => layerOutput(spec, shape, `${path}[${i}]`), input);
}

/**
 * Number of classes that an architecture distinguishes.
 *
 * @throws NetworkError NETWORK_TRAINING, naming the layer, if the layers do not fit together.
 */
export function classesOf(picture: PictureFormat, architecture: Architecture): number {
  const { channels, height, width } = picture;
  const output = stackOutput(architecture, { kind: 'maps', channels, height, width }, 'layers');
  if (output.kind === 'vector') return output.units;
  return refuse(
    `layers[${architecture.length - 1}]`,
    `the network ends in ${shapeText(output)}, but the last layer must be dense, with a unit for each class`,
  );
}
