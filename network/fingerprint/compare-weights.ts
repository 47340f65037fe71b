import type { StepNetwork } from '../compiler/lowering/steps.ts';
import { NetworkError } from '../errors.ts';
import type { Graph } from '../model/graph.ts';
import { alignSteps, sameSteps } from './align-steps.ts';
import { lowerForComparison } from './lower-for-comparison.ts';
import { deviationOf, markAmplitudes } from './mark-amplitudes.ts';
import { tagWeights } from './weight-tags.ts';
import { weightTensors } from './weight-tensors.ts';

/** How far another network's weights are from those of a tensor. */
export type TensorDifference = {
  readonly name: string;
  readonly shape: readonly number[];
  /** Standard deviation of a fingerprint in this tensor, in units of that of its weights. */
  readonly amplitude: number;
  /** In units of what a fingerprint adds; NaN where it is not known. */
  readonly differences: Float64Array;
};

/** Tensors with fewer known weights say nothing. */
const LEAST_WEIGHTS = 16;

/** Root mean square of what is known; Infinity where too little is. */
export function sizeOfDifference({ differences }: TensorDifference): number {
  let [known, squares] = [0, 0];
  for (const difference of differences) {
    if (!Number.isFinite(difference)) continue;
    known++;
    squares += difference * difference;
  }
  return known < LEAST_WEIGHTS ? Infinity : Math.sqrt(squares / known);
}

/** By tensors of the same place and size, but for one factor each: nothing is known of what lies around them. */
function tensorByTensor(original: Graph, other: Graph): (TensorDifference | null)[] {
  const [tensors, others] = [weightTensors(original), weightTensors(other)];
  const amplitudes = markAmplitudes(tensors);
  if (tensors.length !== others.length) return tensors.map(() => null);
  return tensors.map(({ name, tensor }, i) => {
    const values = others[i]!.tensor.data;
    if (values.length !== tensor.data.length) return null;
    let [dot, squares] = [0, 0];
    values.forEach((value, w) => {
      if (value === 0) return;
      dot += value * tensor.data[w]!;
      squares += tensor.data[w]! ** 2;
    });
    const [scale, amplitude] = [dot / squares, amplitudes[i]!];
    const unit = amplitude * deviationOf(tensor.data);
    const differences = Float64Array.from(tensor.data, (value, w) =>
      value === 0 || values[w] === 0 ? NaN : (values[w]! / scale - value) / unit,
    );
    return { name, shape: tensor.shape, amplitude, differences };
  });
}

/** By linear maps: whatever was folded, permuted or scaled. Each weight is the mean of all places that it went to, least squares. */
function mapByMap(original: Graph, steps: StepNetwork, other: StepNetwork): TensorDifference[] {
  const tensors = weightTensors(original);
  const tags = tagWeights(original);
  const count = tensors.reduce((sum, { tensor }) => sum + tensor.data.length, 0);
  const [dots, squares] = [new Float64Array(count), new Float64Array(count)];
  alignSteps(steps, other).forEach((terms, s) => {
    terms.forEach((differences, t) => {
      const [weight, factor] = [tags.weight[s]![t]!, tags.factor[s]![t]!];
      differences.forEach((difference, e) => {
        const number = weight[e]!;
        if (number < 0 || !Number.isFinite(difference)) return;
        dots[number]! += factor[e]! * difference;
        squares[number]! += factor[e]! ** 2;
      });
    });
  });
  let first = 0;
  const amplitudes = markAmplitudes(tensors);
  return tensors.map(({ name, tensor }, t) => {
    const at = first;
    first += tensor.data.length;
    const amplitude = amplitudes[t]!;
    const unit = amplitude * deviationOf(tensor.data);
    const differences = Float64Array.from(tensor.data, (value, i) =>
      value === 0 ? NaN : dots[at + i]! / squares[at + i]! / unit,
    );
    return { name, shape: tensor.shape, amplitude, differences };
  });
}

/** Lowered, or null for a network that cannot be: not a polynomial, an operator that is not known. */
function lowerIfPossible(graph: Graph): StepNetwork | null {
  try {
    return lowerForComparison(graph);
  } catch (error) {
    if (error instanceof NetworkError) return null;
    throw error;
  }
}

/**
 * How far the weights of another network are from the original's, tensor by tensor. The other network may have other names, its batch
 * normalizations folded, its neurons permuted and scaled, neurons left out or added; where it is not even a polynomial, or several linear
 * layers of the original follow each other, tensors are compared in their order. Looks at no key, so that what it finds cannot favor one.
 *
 * @returns null where the other network is of another architecture.
 * @throws NetworkError where the original is not one that can be protected.
 */
export function compareWeights(original: Graph, other: Graph): TensorDifference[] | null {
  const [steps, otherSteps] = [lowerForComparison(original), lowerIfPossible(other)];
  const maps =
    otherSteps !== null && sameSteps(steps, otherSteps) ? mapByMap(original, steps, otherSteps) : null;
  const pairs = tensorByTensor(original, other);
  const best = pairs.map((pair, i) => {
    const map = maps?.[i] ?? null;
    if (pair === null || map === null) return pair ?? map;
    return sizeOfDifference(pair) < sizeOfDifference(map) ? pair : map;
  });
  const known = best.filter((tensor) => tensor !== null && sizeOfDifference(tensor) < Infinity);
  return known.length === 0 ? null : (known as TensorDifference[]);
}
