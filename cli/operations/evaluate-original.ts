import { confusionTable } from '#network/model/confusion.ts';
import type { Dataset } from '#network/model/dataset.ts';
import type { Graph } from '#network/model/graph.ts';
import { answerPictures } from '#network/model/run/answer-pictures.ts';
import { printJson } from '../print.ts';
import type { Progress } from '../progress.ts';

/** `blindsight evaluate NETWORK --engine original`: what protection is measured against. */
export async function evaluateOriginal(
  graph: Graph,
  dataset: Dataset,
  options: {
    readonly labels: readonly string[];
    readonly json?: boolean;
    readonly signal: AbortSignal;
    readonly progress: Progress;
  },
): Promise<void> {
  const total = dataset.classes.length;
  const { images, accuracy, confusion } = await answerPictures(graph, dataset, {
    signal: options.signal,
    onProgress: (done) => options.progress.update('original', `${done} of ${total} pictures`, done / total),
  });
  options.progress.end();
  if (options.signal.aborted) process.stderr.write(`stopped after ${images} pictures\n`);
  if (options.json) {
    printJson({ images, clearAccuracy: accuracy });
    return;
  }
  const right = `${(100 * accuracy).toFixed(2)} % (${Math.round(accuracy * images)} of ${images} pictures)`;
  process.stdout.write(
    `${right}, as the network was given\n\n${confusionTable(confusion, options.labels)}\n`,
  );
}
