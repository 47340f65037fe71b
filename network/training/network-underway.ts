import { fitQuadratic } from '#network/compiler/approximation/fit-quadratic.ts';
import type { ActivationReport } from '#network/compiler/rewrite/approximate-activations.ts';
import { accuracyOf } from '#network/model/confusion.ts';
import { allOf, type Dataset, type DatasetPart, pictureOf, pictureValues } from '#network/model/dataset.ts';
import type { ChangingActivation } from './gradients/changing-activation.ts';
import type { GraphTrainer } from './gradients/graph-trainer.ts';
import type { NormalizedGraph } from './insert-normalization.ts';

/** Pictures that an activation is calibrated on, and values of each of its maps that are looked at. */
const CALIBRATION = 512;
const SAMPLES = 4096;

/** Chosen pictures of a dataset, evenly spread. */
export function spread(count: number, most: number): number[] {
  const chosen = Math.min(count, most);
  return Array.from({ length: chosen }, (_, i) => Math.floor((i * count) / chosen));
}

/** How close the quadratics of an activation are. */
export type Closeness = Pick<
  ActivationReport,
  'low' | 'high' | 'worstError' | 'typicalError' | 'polynomials'
>;

/** A network in training, as it is: nothing here trains it. */
export class NetworkUnderway {
  readonly trainer: GraphTrainer;
  readonly batch: number;
  readonly #normalized: NormalizedGraph;
  readonly #training: DatasetPart;

  /** @param batch pictures that the trainer takes at a time. */
  constructor(trainer: GraphTrainer, batch: number, normalized: NormalizedGraph, training: DatasetPart) {
    this.trainer = trainer;
    this.batch = batch;
    this.#normalized = normalized;
    this.#training = training;
  }

  /** Sets each normalization to what its values are on training pictures, so that it changes nothing. */
  setStatistics(): void {
    const chosen = spread(this.#training.chosen.length, CALIBRATION);
    const { normalizations } = this.#normalized;
    const sums = normalizations.map(() => ({
      count: 0,
      values: new Float64Array(),
      squares: new Float64Array(),
    }));
    this.#eachBatch(this.#training, chosen, (filled) => {
      normalizations.forEach(({ input }, at) => {
        const { shape, values } = this.trainer.valuesOf(input);
        const [, maps = 1] = shape;
        const pixels = values.length / (shape[0]! * maps);
        const sum = sums[at]!;
        if (sum.count === 0)
          Object.assign(sum, { values: new Float64Array(maps), squares: new Float64Array(maps) });
        sum.count += filled * pixels;
        for (let i = 0; i < filled * maps * pixels; i++) {
          const map = Math.floor(i / pixels) % maps;
          sum.values[map]! += values[i]!;
          sum.squares[map]! += values[i]! ** 2;
        }
      });
    });
    normalizations.forEach((names, at) => {
      const { count, values, squares } = sums[at]!;
      const of = (name: string): Float32Array => this.trainer.valuesOf(name).values;
      values.forEach((sum, map) => {
        const mean = sum / count;
        const variance = Math.max(0, squares[map]! / count - mean * mean);
        of(names.mean)[map] = mean;
        of(names.variance)[map] = variance;
        of(names.scale)[map] = Math.sqrt(variance + this.#normalized.epsilon);
        of(names.shift)[map]! += mean;
      });
    });
  }

  /** Runs chosen pictures through the network as it is, without training. */
  #eachBatch(
    part: DatasetPart,
    chosen: readonly number[],
    visit: (filled: number, at: number) => void,
    clamped = false,
  ): void {
    const { pictures } = this.trainer;
    for (let at = 0; at < chosen.length; at += this.batch) {
      const some = chosen.slice(at, at + this.batch);
      some.forEach((picture, n) => {
        pictures.set(pictureOf(part, picture), n * pictureValues(part.whole.picture));
      });
      this.trainer.forward(false, clamped);
      visit(some.length, at);
    }
  }

  /** Share of right answers. */
  measure(measured: Dataset): number {
    const { classes } = measured;
    const outputs = this.trainer.logits.length / this.batch;
    const logits = new Float32Array(classes.length * outputs);
    this.#eachBatch(allOf(measured), [...classes.keys()], (filled, at) => {
      logits.set(this.trainer.logits.subarray(0, filled * outputs), at * outputs);
    });
    return accuracyOf(logits, classes);
  }

  /** Gives an activation the quadratics closest to it on training pictures, as the network is now; and says how close they are. */
  calibrate(activation: ChangingActivation): Closeness {
    const { maps, f, coefficients } = activation;
    const chosen = spread(this.#training.chosen.length, CALIBRATION);
    const pixels = activation.input.values.length / (this.batch * maps);
    // An odd stride visits all columns.
    const stride = Math.ceil((chosen.length * pixels) / SAMPLES) | 1;
    const samples = Array.from({ length: maps }, (): number[] => []);
    let next = 0;
    const sample = (filled: number): void => {
      const { values } = activation.input;
      for (; next < filled * pixels; next += stride) {
        const [picture, pixel] = [Math.floor(next / pixels), next % pixels];
        for (let map = 0; map < maps; map++)
          samples[map]!.push(values[(picture * maps + map) * pixels + pixel]!);
      }
      next -= filled * pixels;
    };
    // As in training: where all quadratics before it are free, a few pictures would make the deviations.
    this.#eachBatch(this.#training, chosen, sample, true);
    let [low, high, worst, squares, count] = [Infinity, -Infinity, 0, 0, 0];
    const polynomials = samples.map((values, map) => {
      const fit = fitQuadratic(f, Float64Array.from(values));
      activation.centers[map] = fit.center;
      activation.deviations[map] = fit.deviation;
      coefficients.values.set(fit.coefficients, 3 * map);
      const [c, b, a] = activation.powers(map);
      for (const x of values) {
        const error = Math.abs((a * x + b) * x + c - f(x));
        low = Math.min(low, x);
        high = Math.max(high, x);
        worst = Math.max(worst, error);
        squares += error ** 2;
      }
      count += values.length;
      return [c, b, a];
    });
    return { low, high, worstError: worst, typicalError: Math.sqrt(squares / count), polynomials };
  }
}
