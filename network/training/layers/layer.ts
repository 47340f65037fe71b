import type { Workspace } from '#network/model/kernel/workspace.ts';
import type { SeededRandom } from '#network/model/random.ts';

/** Trained numbers and their gradients. */
export type Parameter = {
  readonly values: Float32Array;
  readonly gradients: Float32Array;
  /** Whether weight decay applies (weights, not biases). */
  readonly decays: boolean;
};

/**
 * A shape between layers. Values are stored channel by channel, [channels][batch][pixels], so that a convolution of an entire batch is
 * one matrix product; a flat vector has one pixel per channel but is stored [batch][units].
 */
export type LayerShape =
  | { readonly kind: 'maps'; readonly channels: number; readonly height: number; readonly width: number }
  | { readonly kind: 'vector'; readonly units: number };

/** Inputs for making a layer. */
export type LayerContext = {
  readonly workspace: Workspace;
  readonly random: SeededRandom;
  /** Largest batch. */
  readonly batch: number;
  /** Keeps the inputs of activations in range while training; they are as they come by default. */
  readonly clamp?: ActivationRange;
};

/** In which range the inputs of activations are kept while training: see `ClampLayer`. */
export type ActivationRange = {
  /** Largest |x| that an activation sees in training. */
  readonly range: number;
  /** Weight of the penalty on what lies outside; may change from step to step. */
  penalty: number;
};

/** One trainable or fixed step of a network. */
export interface Layer {
  readonly output: LayerShape;
  readonly parameters: readonly Parameter[];
  /** Products of two numbers that a picture takes forward; nothing for layers that take few. */
  readonly products?: number;
  /** What is measured on the way and used by inference: running means and variances. */
  readonly statistics?: readonly Float32Array[];
  /** Whether training uses the statistics too, instead of those of its batch. */
  frozen?: boolean;
  /** Brings parameters back into their limits after a step. */
  constrain?(): void;
  /** @returns the layer's own output array, valid until the next call. */
  forward(input: Float32Array, batch: number, training: boolean): Float32Array;
  /**
   * Adds to the parameters' gradients.
   *
   * @param gradient of the loss by the output of the last `forward`.
   * @param wanted whether the gradient by the input is needed.
   * @returns the gradient of the loss by the input; meaningless if not wanted.
   */
  backward(gradient: Float32Array, batch: number, wanted: boolean): Float32Array;
}

/** Number of values of one picture. */
export function shapeSize(shape: LayerShape): number {
  return shape.kind === 'vector' ? shape.units : shape.channels * shape.height * shape.width;
}

/** Number of maps, or of units of a vector. */
export function channelsOf(shape: LayerShape): number {
  return shape.kind === 'vector' ? shape.units : shape.channels;
}

/** Where the values of one map (or unit) of a batch are: first index, distance, count. */
export function channelRun(
  shape: LayerShape,
  channel: number,
  batch: number,
): [first: number, step: number, count: number] {
  if (shape.kind === 'vector') return [channel, shape.units, batch];
  const count = batch * shape.height * shape.width;
  return [channel * count, 1, count];
}

/** How the kernel finds the values of a map (or unit) of a batch: count, bytes between channels, bytes between values. */
export function channelWords(shape: LayerShape, batch: number): [count: number, apart: number, step: number] {
  const [, step, count] = channelRun(shape, 0, batch);
  return [count, 4 * (shape.kind === 'vector' ? 1 : count), 4 * step];
}

/** A parameter of `size` values drawn from a normal distribution. */
export function drawParameter(context: LayerContext, size: number, deviation: number): Parameter {
  const values = context.workspace.allocate(size);
  for (let i = 0; i < size; i++) values[i] = context.random.normal() * deviation;
  return { values, gradients: context.workspace.allocate(size), decays: true };
}

/** A parameter of `size` equal values, without weight decay. */
export function fillParameter(context: LayerContext, size: number, value: number): Parameter {
  const values = context.workspace.allocate(size).fill(value);
  return { values, gradients: context.workspace.allocate(size), decays: false };
}
