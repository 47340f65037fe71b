import { NetworkError } from '#network/errors.ts';
import type { Graph } from '#network/model/graph.ts';
import { type Affine, applyAffine } from '../linear/affine.ts';
import { lowerSteps } from './lower-steps.ts';

/**
 * A network as a chain: stage 0 takes the picture, each later stage the squares of the stage before it, the last stage makes the
 * logits. Everything linear between two squares (convolution, pooling, batch normalization, flattening, dense …) is one stage.
 */
export type StagedNetwork = {
  readonly name: string;
  /** Shape of the picture without the batch dimension. */
  readonly pictureShape: readonly number[];
  readonly stages: readonly Affine[];
};

/** Runs a staged network in the clear, in float64. */
export function runStages(network: StagedNetwork, picture: ArrayLike<number>): Float64Array {
  let values: ArrayLike<number> = picture;
  let result: Float64Array = new Float64Array();
  network.stages.forEach((stage, i) => {
    if (i > 0) values = result.map((value) => value * value);
    result = applyAffine(stage, values);
  });
  return result;
}

/**
 * Lowers a graph to a chain of linear stages with squares between them.
 *
 * @throws NetworkError as `lowerSteps`; NETWORK_OPERATOR where the network is no chain: shortcuts, products of two values, layers that read a value
 * and its square.
 */
export function lowerGraph(graph: Graph): StagedNetwork {
  const { name, pictureShape, steps } = lowerSteps(graph);
  const stages = steps.flatMap((step, i): Affine[] => {
    // Linear steps and squares in turn, each of what the one before it made.
    const sources =
      step.kind === 'linear'
        ? step.terms.map(({ source }) => source)
        : step.kind === 'product'
          ? [step.left, step.right]
          : [];
    const expected = step.kind === (i % 2 === 0 ? 'linear' : 'product');
    if (!expected || sources.length === 0 || sources.some((source) => source !== i)) {
      throw new NetworkError(
        'NETWORK_OPERATOR',
        `step ${i + 1} of '${name}' is not part of a chain of linear layers and squares`,
      );
    }
    return step.kind === 'linear' ? [{ ...step.terms[0]!.affine, bias: step.bias }] : [];
  });
  return { name, pictureShape, stages };
}
