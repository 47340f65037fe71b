import type { Workspace } from '#network/model/kernel/workspace.ts';
import {
  type ActivationRange,
  type Layer,
  type LayerContext,
  type LayerShape,
  type Parameter,
  shapeSize,
} from './layer.ts';

/** Values that a thread takes at a time. */
const STRETCH = 16_384;

/**
 * Before an activation, in training only: y = x within ±range, and the bound outside, so that one large value does not square itself through the
 * network; and a penalty on what lies outside, penalty · Σ (|x| − range)² of each picture, so that little does once the bound is gone. Inference
 * and the exported network do not have it: what is out there would need a comparison, which encrypted arithmetic has not.
 */
export class ClampLayer implements Layer {
  readonly output: LayerShape;
  readonly parameters: readonly Parameter[] = [];
  readonly #limits: ActivationRange;
  readonly #workspace: Workspace;
  readonly #args: Int32Array;
  readonly #floats: Float32Array;
  readonly #values: Float32Array;
  readonly #inputGradient: Float32Array;
  #last: Float32Array = new Float32Array();

  constructor(context: LayerContext, input: LayerShape, limits: ActivationRange) {
    this.output = input;
    this.#workspace = context.workspace;
    this.#args = context.workspace.keep(new Int32Array(16));
    const { buffer, byteOffset, length } = this.#args;
    this.#floats = new Float32Array(buffer, byteOffset, length);
    this.#limits = limits;
    this.#values = context.workspace.allocate(context.batch * shapeSize(input));
    this.#inputGradient = context.workspace.allocate(context.batch * shapeSize(input));
  }

  #run(
    job: 'clamp' | 'clampBack',
    batch: number,
    ...arrays: [Float32Array, Float32Array, Float32Array?]
  ): void {
    const size = batch * shapeSize(this.output);
    const [from, to, input] = arrays;
    this.#floats[4] = this.#limits.range;
    this.#floats[6] = (2 * this.#limits.penalty) / batch;
    const words = [from, to, STRETCH, size, this.#args[4]!, ...(input ? [input] : [])];
    this.#workspace.run(job, this.#args, Math.ceil(size / STRETCH), words);
  }

  forward(input: Float32Array, batch: number, training: boolean): Float32Array {
    if (!training) return input;
    this.#last = input;
    this.#run('clamp', batch, input, this.#values);
    return this.#values;
  }

  backward(gradient: Float32Array, batch: number): Float32Array {
    this.#run('clampBack', batch, gradient, this.#inputGradient, this.#last);
    return this.#inputGradient;
  }
}
