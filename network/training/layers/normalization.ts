import {
  channelRun,
  channelsOf,
  fillParameter,
  type Layer,
  type LayerContext,
  type LayerShape,
  type Parameter,
  shapeSize,
} from './layer.ts';

/** Weight of the newest batch in the running statistics. */
const MOMENTUM = 0.1;

/** Batch normalization per channel (maps) or per unit (vectors). */
export class NormalizationLayer implements Layer {
  readonly output: LayerShape;
  readonly scale: Parameter;
  readonly shift: Parameter;
  readonly runningMean: Float32Array;
  readonly runningVariance: Float32Array;
  readonly epsilon = 1e-5;
  /**
   * Whether training uses the running statistics, as inference does. It is rarely worth it: when networks got worse the longer they
   * learned, the cause was not the statistics of their batches but that they had only seen pictures blurred by resampling in
   * augmentation. E2DM's network, after 30 epochs in which every picture was warped, got 98.50 % of the test pictures right with running
   * statistics, 98.40 % with those of the batch and 98.59 % of warped ones; with `augmentation.share: 0.6` it got 98.88 %.
   */
  frozen = false;
  readonly #normalized: Float32Array;
  readonly #values: Float32Array;
  readonly #inputGradient: Float32Array;
  readonly #inverse: Float32Array;

  constructor(context: LayerContext, input: LayerShape) {
    const channels = channelsOf(input);
    const { workspace, batch } = context;
    this.output = input;
    this.scale = fillParameter(context, channels, 1);
    this.shift = fillParameter(context, channels, 0);
    this.runningMean = workspace.allocate(channels);
    this.runningVariance = workspace.allocate(channels).fill(1);
    this.#normalized = workspace.allocate(batch * shapeSize(input));
    this.#values = workspace.allocate(batch * shapeSize(input));
    this.#inputGradient = workspace.allocate(batch * shapeSize(input));
    this.#inverse = workspace.allocate(channels);
  }

  get parameters(): readonly Parameter[] {
    return [this.scale, this.shift];
  }

  get statistics(): readonly Float32Array[] {
    return [this.runningMean, this.runningVariance];
  }

  forward(input: Float32Array, batch: number, training: boolean): Float32Array {
    for (let c = 0; c < this.scale.values.length; c++) {
      const [first, step, count] = channelRun(this.output, c, batch);
      const end = first + step * count;
      let mean = this.runningMean[c]!;
      let variance = this.runningVariance[c]!;
      if (training && !this.frozen) {
        mean = 0;
        for (let i = first; i < end; i += step) mean += input[i]!;
        mean /= count;
        variance = 0;
        for (let i = first; i < end; i += step) variance += (input[i]! - mean) ** 2;
        variance /= count;
        this.runningMean[c]! += MOMENTUM * (mean - this.runningMean[c]!);
        this.runningVariance[c]! +=
          MOMENTUM * ((variance * count) / Math.max(1, count - 1) - this.runningVariance[c]!);
      }
      const inverse = 1 / Math.sqrt(variance + this.epsilon);
      this.#inverse[c] = inverse;
      const scale = this.scale.values[c]!;
      const shift = this.shift.values[c]!;
      for (let i = first; i < end; i += step) {
        const normalized = (input[i]! - mean) * inverse;
        this.#normalized[i] = normalized;
        this.#values[i] = normalized * scale + shift;
      }
    }
    return this.#values;
  }

  backward(gradient: Float32Array, batch: number): Float32Array {
    for (let c = 0; c < this.scale.values.length; c++) {
      const [first, step, count] = channelRun(this.output, c, batch);
      const end = first + step * count;
      let sum = 0;
      let product = 0;
      for (let i = first; i < end; i += step) {
        sum += gradient[i]!;
        product += gradient[i]! * this.#normalized[i]!;
      }
      this.shift.gradients[c]! += sum;
      this.scale.gradients[c]! += product;
      const factor = this.scale.values[c]! * this.#inverse[c]!;
      if (this.frozen) {
        for (let i = first; i < end; i += step) this.#inputGradient[i] = factor * gradient[i]!;
        continue;
      }
      for (let i = first; i < end; i += step) {
        this.#inputGradient[i] = factor * (gradient[i]! - (sum + this.#normalized[i]! * product) / count);
      }
    }
    return this.#inputGradient;
  }
}
