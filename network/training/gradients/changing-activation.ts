import { limitShift } from '#network/compiler/approximation/fit-quadratic.ts';
import type { Workspace } from '#network/model/kernel/workspace.ts';
import { type Node, sizeOf } from '../../model/graph.ts';
import { ACTIVATIONS, type ScalarFunction } from '../../model/operators/elementwise.ts';
import { inputOf, type NodeSite, type NodeStep, type Pass, type TrainedValue } from './node-step.ts';

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
  /** Where a pass clamps, the quadratic takes no x that is further from the center than so many deviations. */
  limit = Number.POSITIVE_INFINITY;
  /** Weight of the penalty on x beyond that (`changeBack` of the kernel); in the gradient of each value. */
  pull = 0;
  /** Function and slope; Relu, the most frequent, has loops of its own. */
  readonly f: ScalarFunction;
  readonly #slope: ScalarFunction;
  readonly #isRelu: boolean;
  readonly #output: NodeSite['output'];
  readonly #pixels: number;
  readonly #pass: Pass;
  readonly #workspace: Workspace;
  readonly #args: Int32Array;
  readonly #floats: Float32Array;
  /** Takes gradients by inputs that need none. */
  readonly #nowhere: Float32Array;

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
    this.centers = workspace.allocate(maps);
    this.deviations = workspace.allocate(maps).fill(1);
    this.#pass = site.pass;
    this.#workspace = workspace;
    this.#args = workspace.keep(new Int32Array(16));
    this.#floats = new Float32Array(this.#args.buffer, this.#args.byteOffset, this.#args.length);
    this.#nowhere = workspace.allocate(this.input.gradients === undefined ? this.input.values.length : 0);
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

  /** Words of the kernel's jobs that both ways share. */
  #words(from: Float32Array, to: Float32Array): (number | Float32Array)[] {
    this.#floats[8] = this.share;
    this.#floats[9] = this.#pass.clamped ? this.limit : Number.POSITIVE_INFINITY;
    const { values } = this.coefficients;
    const pictures = this.input.values.length / (this.maps * this.#pixels);
    const places = [pictures, this.#pixels, 4 * this.maps * this.#pixels];
    const numbers = [this.#args[8]!, this.#args[9]!, this.#isRelu ? 1 : 0];
    return [from, to, ...places, values, this.centers, this.deviations, ...numbers];
  }

  forward(): void {
    const { values } = this.input;
    const out = this.#output.values;
    const [share, isRelu, f] = [this.share, this.#isRelu, this.f];
    if (share < 1 && !isRelu) for (let i = 0; i < out.length; i++) out[i] = f(values[i]!);
    if (share === 0 && !isRelu) return;
    this.#workspace.run('change', this.#args, this.maps, this.#words(values, out));
  }

  backward(): void {
    const { values, gradients: to } = this.input;
    const from = this.#output.gradients;
    const [share, slope] = [this.share, this.#slope];
    if (share < 1 && !this.#isRelu && to !== undefined) {
      for (let i = 0; i < values.length; i++) to[i]! += (1 - share) * from[i]! * slope(values[i]!);
    }
    this.#floats[13] = share === 0 ? 0 : this.pull;
    const pull = this.#args[13]!;
    const words = this.#words(from, to ?? this.#nowhere);
    const { gradients } = this.coefficients;
    this.#workspace.run('changeBack', this.#args, this.maps, [...words, values, gradients, pull]);
  }
}
