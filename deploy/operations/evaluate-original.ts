import type { Dataset } from '#network/datasets/dataset.ts';
import { answerPictures } from '#network/evaluation/answer-pictures.ts';
import type { Graph } from '#network/model/graph.ts';
import { confusionTable } from '#network/training/confusion.ts';
import { printJson } from '../print.ts';

const REPORT_EVERY_MS = 5_000;

/** `blindsight evaluate NETWORK --engine original`: what protection is measured against. */
export async function evaluateOriginal(
  graph: Graph,
  dataset: Dataset,
  options: { readonly labels?: readonly string[]; readonly json?: boolean; readonly signal: AbortSignal },
): Promise<void> {
  let last = performance.now();
  const { images, accuracy, confusion } = await answerPictures(graph, dataset, {
    signal: options.signal,
    onProgress: (done) => {
      if (performance.now() - last < REPORT_EVERY_MS) return;
      last = performance.now();
      process.stderr.write(`… ${done} of ${dataset.classes.length} pictures\n`);
    },
  });
  if (options.signal.aborted) process.stderr.write(`stopped after ${images} pictures\n`);
  if (options.json) {
    printJson({ images, clearAccuracy: accuracy });
    return;
  }
  const labels = options.labels ?? confusion.map((_, i) => String(i));
  process.stdout.write(
    `${(100 * accuracy).toFixed(2)} % of ${images} pictures, as the network was given\n\n${confusionTable(confusion, labels)}\n`,
  );
}
