import type { Graph } from '#network/model/graph.ts';
import { openBatch } from '#network/model/run/open-batch.ts';
import { dropDropout } from './drop-dropout.ts';
import { dropEnding } from './drop-ending.ts';
import { foldBatchNormalization } from './fold-batch-normalization.ts';
import { foldConstants } from './fold-constants.ts';

/**
 * The exact passes before approximation and fine-tuning: the same answers from fewer nodes, for any number of pictures; logits where the
 * network ends in Softmax or Sigmoid.
 */
export function simplifyGraph(graph: Graph): Graph {
  return foldBatchNormalization(
    foldConstants(dropDropout(openBatch(dropEnding(graph, { sigmoid: true }).graph))),
  );
}
