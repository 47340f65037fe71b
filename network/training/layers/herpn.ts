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
const EPSILON = 1e-5;
/** Coefficients of ReLU in the normalized Hermite polynomials of degree 1 and 2. */
const HERMITE = [1 / 2, 1 / (2 * Math.sqrt(Math.PI))] as const;
const SQRT2 = Math.SQRT2;

/**
 * HerPN, AESPA's activation (Park, Kim, Jung, Choi, Kim, Ahn, 2022, arXiv 2201.06699): y = γ·(f̂₁·BN(h₁(x)) + f̂₂·BN(h₂(x))) + β with h₁ = x,
 * h₂ = (x² − 1)/√2 and the Hermite coefficients of ReLU, f̂₁ = 1/2 and f̂₂ = 1/(2√π); each basis is normalized for itself, by map or unit, so it
 * takes the place of a normalization and an activation. What it learned is a·x² + b·x + c by map ({@link quadratics}): encrypted it costs what x²
 * costs.
 */
export class HerPnLayer implements Layer {
  readonly output: LayerShape;
  readonly scale: Parameter;
  readonly shift: Parameter;
  /** Means and variances of h₁, then of h₂. */
  readonly statistics: readonly Float32Array[];
  frozen = false;
  readonly #values: Float32Array;
  readonly #inputGradient: Float32Array;
  /** Of the last batch, by channel: mean and 1/σ of h₁ and h₂. */
  readonly #used: Float64Array;
  #last: Float32Array = new Float32Array();

  constructor(context: LayerContext, input: LayerShape) {
    const { workspace, batch } = context;
    const channels = channelsOf(input);
    this.output = input;
    this.scale = fillParameter(context, channels, 1);
    this.shift = fillParameter(context, channels, 0);
    this.statistics = [0, 1, 0, 1].map((value) => workspace.allocate(channels).fill(value));
    this.#values = workspace.allocate(batch * shapeSize(input));
    this.#inputGradient = workspace.allocate(batch * shapeSize(input));
    this.#used = new Float64Array(4 * channels);
  }

  get parameters(): readonly Parameter[] {
    return [this.scale, this.shift];
  }

  /** Coefficients (constant, linear, square) by map, as inference uses them. */
  get quadratics(): Float32Array {
    const channels = this.scale.values.length;
    const all = new Float32Array(3 * channels);
    for (let c = 0; c < channels; c++) {
      const [mean1, variance1, mean2, variance2] = this.statistics.map((values) => values[c]!) as [
        number,
        number,
        number,
        number,
      ];
      const u = [mean1, 1 / Math.sqrt(variance1 + EPSILON), mean2, 1 / Math.sqrt(variance2 + EPSILON)];
      all.set(this.#coefficients(c, u as [number, number, number, number]), 3 * c);
    }
    return all;
  }

  /** Coefficients of a channel under these means and inverse deviations. */
  #coefficients(
    channel: number,
    [mean1, inverse1, mean2, inverse2]: readonly [number, number, number, number],
  ): [c: number, b: number, a: number] {
    const [first, second] = [HERMITE[0] * inverse1, HERMITE[1] * inverse2];
    const scale = this.scale.values[channel]!;
    const constant = -first * mean1 - second * (mean2 + 1 / SQRT2);
    return [this.shift.values[channel]! + scale * constant, scale * first, (scale * second) / SQRT2];
  }

  /** Means and inverse deviations of a channel of the batch; they also enter the running statistics. */
  #measure(input: Float32Array, channel: number, batch: number): void {
    const [first, step, count] = channelRun(this.output, channel, batch);
    const end = first + step * count;
    let [mean1, mean2, variance1, variance2] = [0, 0, 0, 0];
    for (let i = first; i < end; i += step) {
      const x = input[i]!;
      mean1 += x;
      mean2 += (x * x - 1) / SQRT2;
    }
    mean1 /= count;
    mean2 /= count;
    for (let i = first; i < end; i += step) {
      const x = input[i]!;
      variance1 += (x - mean1) ** 2;
      variance2 += ((x * x - 1) / SQRT2 - mean2) ** 2;
    }
    const unbiased = 1 / Math.max(1, count - 1);
    [mean1, variance1 * unbiased, mean2, variance2 * unbiased].forEach((value, k) => {
      this.statistics[k]![channel]! += MOMENTUM * (value - this.statistics[k]![channel]!);
    });
    this.#used.set(
      [mean1, 1 / Math.sqrt(variance1 / count + EPSILON), mean2, 1 / Math.sqrt(variance2 / count + EPSILON)],
      4 * channel,
    );
  }

  #usedOf(channel: number): [number, number, number, number] {
    return [...this.#used.subarray(4 * channel, 4 * channel + 4)] as [number, number, number, number];
  }

  forward(input: Float32Array, batch: number, training: boolean): Float32Array {
    const channels = this.scale.values.length;
    this.#last = input;
    for (let channel = 0; channel < channels; channel++) {
      if (training && !this.frozen) this.#measure(input, channel, batch);
      else {
        this.statistics.forEach((values, k) => {
          const value = values[channel]!;
          this.#used[4 * channel + k] = k % 2 === 0 ? value : 1 / Math.sqrt(value + EPSILON);
        });
      }
      const [c, b, a] = this.#coefficients(channel, this.#usedOf(channel));
      const [first, step, count] = channelRun(this.output, channel, batch);
      for (let i = first; i < first + step * count; i += step)
        this.#values[i] = (a * input[i]! + b) * input[i]! + c;
    }
    return this.#values;
  }

  backward(gradient: Float32Array, batch: number): Float32Array {
    for (let channel = 0; channel < this.scale.values.length; channel++) {
      const [first, step, count] = channelRun(this.output, channel, batch);
      const end = first + step * count;
      const [mean1, inverse1, mean2, inverse2] = this.#usedOf(channel);
      let [sum, product1, product2] = [0, 0, 0];
      for (let i = first; i < end; i += step) {
        const [x, g] = [this.#last[i]!, gradient[i]!];
        sum += g;
        product1 += g * (x - mean1) * inverse1;
        product2 += g * ((x * x - 1) / SQRT2 - mean2) * inverse2;
      }
      this.shift.gradients[channel]! += sum;
      this.scale.gradients[channel]! += HERMITE[0] * product1 + HERMITE[1] * product2;
      const scale = this.scale.values[channel]!;
      const [slope1, slope2] = [scale * HERMITE[0] * inverse1, scale * HERMITE[1] * inverse2];
      const [mean, share1, share2] = this.frozen
        ? [0, 0, 0]
        : [sum / count, product1 / count, product2 / count];
      for (let i = first; i < end; i += step) {
        const [x, g] = [this.#last[i]!, gradient[i]! - mean];
        const by1 = slope1 * (g - (x - mean1) * inverse1 * share1);
        const by2 = slope2 * (g - ((x * x - 1) / SQRT2 - mean2) * inverse2 * share2);
        this.#inputGradient[i] = by1 + SQRT2 * x * by2;
      }
    }
    return this.#inputGradient;
  }
}
