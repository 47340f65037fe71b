import type { Graph } from '../model/graph.ts';
import { dropDropout } from './drop-dropout.ts';
import { foldBatchNormalization } from './fold-batch-normalization.ts';
import { foldConstants } from './fold-constants.ts';
import { openBatch } from './open-batch.ts';

/** The exact passes that come before approximation and fine-tuning: the same answers from fewer nodes, for any number of pictures. */
export function simplifyGraph(graph: Graph): Graph {
  return foldBatchNormalization(foldConstants(dropDropout(openBatch(graph))));
}
