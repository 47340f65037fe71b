import { setImmediate } from 'node:timers/promises';
import { NetworkError } from '#network/errors.ts';
import { type Confusion, confusionAccuracy, countConfusion } from '../confusion.ts';
import { type Dataset, pictureValues } from '../dataset.ts';
import type { Graph } from '../graph.ts';
import { runGraph } from './run.ts';

/** How a network answers as given: nothing approximated, nothing encrypted. */
export type ClearAnswers = {
  readonly images: number;
  readonly accuracy: number;
  /** counts[truth][answer]. */
  readonly confusion: Confusion;
};

/** Several small pictures at a time: the shared preparation (windows, indices) takes as long as one of them. */
const VALUES_AT_A_TIME = 2 ** 16;
const MOST_AT_A_TIME = 50;

/** Whether two pictures together get the same answers as alone: a graph exported for one may mix them up. */
function takesSeveral(graph: Graph, pictures: Float32Array): boolean {
  const size = pictures.length / 2;
  const alone = [0, size].flatMap((at) => [...runGraph(graph, pictures.subarray(at, at + size))]);
  try {
    const together = runGraph(graph, pictures);
    return together.length === alone.length && together.every((logit, i) => Object.is(logit, alone[i]));
  } catch (error) {
    if (error instanceof NetworkError) return false;
    throw error;
  }
}

/**
 * Answers every picture of a dataset with the network itself.
 *
 * @param graph takes pictures as the dataset has them.
 * @param options.onProgress called with the number of pictures done, after every few.
 * @param options.signal ends the measurement; the result is what was measured until then (at least one picture).
 */
export async function answerPictures(
  graph: Graph,
  dataset: Dataset,
  options: { readonly signal?: AbortSignal; readonly onProgress?: (done: number) => void } = {},
): Promise<ClearAnswers> {
  const size = pictureValues(dataset.picture);
  const logits: number[] = [];
  const several = dataset.classes.length > 1 && takesSeveral(graph, dataset.pictures.subarray(0, 2 * size));
  const most = several ? Math.min(MOST_AT_A_TIME, Math.max(1, Math.floor(VALUES_AT_A_TIME / size))) : 1;
  let images = 0;
  while (images < dataset.classes.length && !(images > 0 && options.signal?.aborted)) {
    const end = Math.min(images + most, dataset.classes.length);
    for (const logit of runGraph(graph, dataset.pictures.subarray(images * size, end * size))) {
      logits.push(logit);
    }
    images = end;
    options.onProgress?.(images);
    // Lets signals and progress output run.
    await setImmediate();
  }
  const confusion = countConfusion(
    Float32Array.from(logits),
    dataset.classes.subarray(0, images),
    logits.length / images,
  );
  return { images, accuracy: confusionAccuracy(confusion), confusion };
}
