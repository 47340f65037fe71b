import { NetworkError } from '../errors.ts';
import type { Graph } from '../model/graph.ts';
import { GraphTrainer, type GraphTraining } from './gradients/graph-trainer.ts';

/**
 * A trainer of at most `most` pictures at a time: as many as there is memory for.
 *
 * @throws NetworkError as {@link GraphTrainer.create}: NETWORK_TOO_LARGE if not even one picture fits.
 */
export async function layOutTrainer(
  graph: Graph,
  most: number,
  training: GraphTraining = {},
): Promise<{ trainer: GraphTrainer; batch: number }> {
  for (let batch = most; ; batch = Math.floor(batch / 2)) {
    try {
      return { trainer: await GraphTrainer.create(graph, batch, training), batch };
    } catch (error) {
      if (!(error instanceof NetworkError) || error.code !== 'NETWORK_TOO_LARGE' || batch === 1) throw error;
    }
  }
}
