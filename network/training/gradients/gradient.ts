import type { Tensor } from '../../model/graph.ts';
import type { Call } from '../../model/operators/operator.ts';

/**
 * Gradients of the loss by the inputs of one node.
 *
 * @param output what the node computed.
 * @param gradient of the loss by that output, element by element.
 * @param wanted which inputs' gradients are needed.
 * @returns one array for each input that is wanted, in the inputs' order; nothing for the others.
 */
export type NodeGradient = (
  call: Call,
  output: Tensor,
  gradient: Float64Array,
  wanted: readonly boolean[],
) => (Float64Array | undefined)[];
