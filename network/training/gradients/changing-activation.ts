import { limitShift } from '#network/compiler/approximation/fit-quadratic.ts';
import { type Node, sizeOf } from '../../model/graph.ts';
import { ACTIVATIONS, type ScalarFunction } from '../../model/operators/elementwise.ts';
import { inputOf, type NodeSite, type NodeStep, type TrainedValue } from './node-step.ts';

/** Constant, linear and square coefficient. */
const TERMS = 3;
/** Slopes of activations other than Relu are difference quotients over twice this distance. */
const DISTANCE = 1e-3;

function slopeOf(f: ScalarFunction): ScalarFunction {
  return (x) => (f(x + DISTANCE) - f(x - DISTANCE)) / (2 * DISTANCE);
}

/**
 * An activation f that turns into a quadratic p for each of its maps while training goes on: (1 − share) · f(x) + share · p(x), where
 * p(x) = d · (k₀ + k₁·u + k₂·u²) and u = (x − m) / d. Center m and deviation d of each map are those of its inputs when it was calibrated, so
 * that coefficients have the same size whatever the network's scales.
 */
export class ChangingActivation implements NodeStep {
  readonly node: Node;
  /** 0: as given, 1: the quadratic alone. */
  share = 0;
  readonly maps: number;
  readonly input: TrainedValue;
  readonly coefficients: { readonly values: Float32Array; readonly gradients: Float32Array };
  readonly centers: Float32Array;
  readonly deviations: Float32Array;
  /** Function and slope; Relu, the most frequent, has loops of its own. */
  readonly f: ScalarFunction;
  readonly #slope: ScalarFunction;
  readonly #isRelu: boolean;
  readonly #output: NodeSite['output'];
  readonly #pixels: number;

  constructor(site: NodeSite) {
    const { call, output, workspace } = site;
    this.node = call.node;
    this.input = inputOf(site, 0);
    this.#output = output;
    const [, maps = 1, ...spatial] = this.input.shape;
    this.maps = maps;
    this.#pixels = sizeOf(spatial);
    this.#isRelu = call.node.operator === 'Relu';
    this.f = ACTIVATIONS[call.node.operator]!(call);
    this.#slope = slopeOf(this.f);
    this.coefficients = {
      values: workspace.allocate(TERMS * maps),
      gradients: workspace.allocate(TERMS * maps),
    };
    this.centers = new Float32Array(maps);
    this.deviations = new Float32Array(maps).fill(1);
  }

  /** Values of one map of one picture. */
  #first(picture: number, map: number): number {
    return (picture * this.maps + map) * this.#pixels;
  }

  /** Keeps each square large enough to be completed (`limitShift`). */
  constrain(): void {
    const { values } = this.coefficients;
    for (let at = 0; at < values.length; at += TERMS)
      values[at + 2] = limitShift(values[at + 1]!, values[at + 2]!);
  }

  /** p of a map in powers of x: constant, linear, square. */
  powers(map: number): [c: number, b: number, a: number] {
    const [k0 = 0, k1 = 0, k2 = 0] = this.coefficients.values.subarray(TERMS * map, TERMS * map + TERMS);
    const [m, d] = [this.centers[map]!, this.deviations[map]!];
    return [d * k0 - k1 * m + (k2 * m * m) / d, k1 - (2 * k2 * m) / d, k2 / d];
  }

  forward(): void {
    const { values } = this.input;
    const out = this.#output.values;
    const [share, isRelu, f] = [this.share, this.#isRelu, this.f];
    if (share === 0) {
      if (isRelu) for (let i = 0; i < out.length; i++) out[i] = Math.max(0, values[i]!);
      else for (let i = 0; i < out.length; i++) out[i] = f(values[i]!);
      return;
    }
    const pictures = values.length / (this.maps * this.#pixels);
    for (let map = 0; map < this.maps; map++) {
      const [c, b, a] = this.powers(map);
      for (let n = 0; n < pictures; n++) {
        const first = this.#first(n, map);
        for (let i = first; i < first + this.#pixels; i++) {
          const x = values[i]!;
          const p = (a * x + b) * x + c;
          out[i] = share === 1 ? p : share * p + (1 - share) * (isRelu ? Math.max(0, x) : f(x));
        }
      }
    }
  }

  backward(): void {
    const { values, gradients: to } = this.input;
    const from = this.#output.gradients;
    const [share, isRelu, slope] = [this.share, this.#isRelu, this.#slope];
    const pictures = values.length / (this.maps * this.#pixels);
    const coefficients = this.coefficients.gradients;
    for (let map = 0; map < this.maps; map++) {
      const [, b, a] = this.powers(map);
      const [m, d] = [this.centers[map]!, this.deviations[map]!];
      let [sum, first, second] = [0, 0, 0];
      for (let n = 0; n < pictures; n++) {
        const begin = this.#first(n, map);
        for (let i = begin; i < begin + this.#pixels; i++) {
          const x = values[i]!;
          const g = from[i]!;
          const moved = x - m;
          sum += g;
          first += g * moved;
          second += g * moved * moved;
          if (to === undefined) continue;
          const given = share === 1 ? 0 : (1 - share) * (isRelu ? (x > 0 ? 1 : 0) : slope(x));
          to[i]! += g * (share * (2 * a * x + b) + given);
        }
      }
      coefficients[TERMS * map]! += share * d * sum;
      coefficients[TERMS * map + 1]! += share * first;
      coefficients[TERMS * map + 2]! += (share * second) / d;
    }
  }
}
