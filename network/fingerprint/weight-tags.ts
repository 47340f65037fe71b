import type { StepNetwork } from '../compiler/lowering/steps.ts';
import type { Graph, Tensor } from '../model/graph.ts';
import { lowerForComparison } from './lower-for-comparison.ts';
import { weightTensors } from './weight-tensors.ts';
import { withWeights } from './with-weights.ts';

/** Which weight of a network an entry of one of its linear maps is, up to a factor. */
export type WeightTags = {
  /** By step and term, for each entry: the weight's number, counted through all weight tensors in order; −1 where it is not one weight alone. */
  readonly weight: readonly (readonly Int32Array[])[];
  /** By step and term, for each entry: entry = factor · weight. */
  readonly factor: readonly (readonly Float64Array[])[];
};

const TOLERANCE = 1e-6;

/** Values without any relation, between 1 and 2. */
function unrelated(index: number): number {
  return 1 + ((Math.imul(index + 1, 0x9e3779b1) >>> 8) % 65_536) / 65_536;
}

/** The network lowered with other weights: what they are, by number. */
function lowered(graph: Graph, weightOf: (number: number) => number): StepNetwork {
  let first = 0;
  const changed = new Map<string, Tensor>();
  for (const { name, tensor } of weightTensors(graph)) {
    const at = first;
    changed.set(name, { ...tensor, data: Float64Array.from(tensor.data, (_, i) => weightOf(at + i)) });
    first += tensor.data.length;
  }
  return lowerForComparison(withWeights(graph, changed));
}

/** All entries by step and term. */
function entriesOf(network: StepNetwork): Float64Array[][] {
  return network.steps.map((step) =>
    step.kind === 'linear' ? step.terms.map(({ affine }) => affine.weight) : [],
  );
}

/**
 * Finds out where each weight of a network went when its batch normalizations, means and scalings were folded into its linear maps: the
 * network is lowered with ones, with numbers, and with unrelated values for weights. An entry to which several weights contribute (linear
 * layers without an activation between them) belongs to none.
 */
export function tagWeights(graph: Graph): WeightTags {
  const [ones, numbers, checks] = [() => 1, (number: number) => number + 1, unrelated].map((weightOf) =>
    entriesOf(lowered(graph, weightOf)),
  ) as [Float64Array[][], Float64Array[][], Float64Array[][]];
  const weight = ones.map((terms, step) =>
    terms.map((factors, term) =>
      Int32Array.from(factors, (factor, e) => {
        const number = Math.round(numbers[step]![term]![e]! / factor) - 1;
        const expected = factor * unrelated(number);
        const close = Math.abs(checks[step]![term]![e]! - expected) <= TOLERANCE * Math.abs(expected);
        return factor !== 0 && number >= 0 && close ? number : -1;
      }),
    ),
  );
  return { weight, factor: ones };
}
