import { lowerSteps } from '../compiler/lowering/lower-steps.ts';
import { mergePools } from '../compiler/lowering/merge-pools.ts';
import type { StepNetwork } from '../compiler/lowering/steps.ts';
import type { Graph } from '../model/graph.ts';

/**
 * A network as linear maps between products, the same whatever names, layers, foldings and order its file has: what a thief can read off
 * the constants of a program, too.
 *
 * @throws NetworkError NETWORK_NOT_POLYNOMIAL, NETWORK_OPERATOR, NETWORK_SHAPE, NETWORK_DATA, NETWORK_TOO_LARGE.
 */
export function lowerForComparison(graph: Graph): StepNetwork {
  return mergePools(lowerSteps(graph, 'through'));
}
