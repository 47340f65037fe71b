import {
  type ActivationRange,
  type Layer,
  type LayerContext,
  type LayerShape,
  type Parameter,
  shapeSize,
} from './layer.ts';

/**
 * Before an activation, in training only: y = x within ±range, and the bound outside, so that one large value does not square itself through the
 * network; and a penalty on what lies outside, penalty · Σ (|x| − range)² of each picture, so that little does once the bound is gone. Inference
 * and the exported network do not have it: what is out there would need a comparison, which encrypted arithmetic has not.
 */
export class ClampLayer implements Layer {
  readonly output: LayerShape;
  readonly parameters: readonly Parameter[] = [];
  readonly #limits: ActivationRange;
  readonly #values: Float32Array;
  readonly #inputGradient: Float32Array;
  #last: Float32Array = new Float32Array();

  constructor(context: LayerContext, input: LayerShape, limits: ActivationRange) {
    this.output = input;
    this.#limits = limits;
    this.#values = context.workspace.allocate(context.batch * shapeSize(input));
    this.#inputGradient = context.workspace.allocate(context.batch * shapeSize(input));
  }

  forward(input: Float32Array, batch: number, training: boolean): Float32Array {
    if (!training) return input;
    const size = batch * shapeSize(this.output);
    const { range } = this.#limits;
    this.#last = input;
    for (let i = 0; i < size; i++) this.#values[i] = Math.min(range, Math.max(-range, input[i]!));
    return this.#values;
  }

  backward(gradient: Float32Array, batch: number): Float32Array {
    const size = batch * shapeSize(this.output);
    const { range, penalty } = this.#limits;
    const pull = (2 * penalty) / batch;
    for (let i = 0; i < size; i++) {
      const x = this.#last[i]!;
      const beyond = x > range ? x - range : x < -range ? x + range : 0;
      this.#inputGradient[i] = beyond === 0 ? gradient[i]! : pull * beyond;
    }
    return this.#inputGradient;
  }
}
