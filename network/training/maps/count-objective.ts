import { pictureValues } from '#network/model/dataset.ts';
import type { Measured, Objective } from '../objective.ts';
import { predict } from '../train.ts';
import type { MapAugmentation } from './map-augmentation.ts';
import type { MapDataset } from './map-dataset.ts';
import { countClasses } from './score-points.ts';

/** What is learned about each label by itself: how many there are, or whether there is one at all. */
export type CountedTask = 'count' | 'labels';

/** Whether an output says what is there: the number, rounded, or that there is one. */
export function isRight(task: CountedTask, output: number, there: number): boolean {
  return task === 'count' ? Math.max(0, Math.round(output)) === there : output >= 0 === there > 0;
}

/** The loss of one output, and its slope: half the squared distance of a count, the cross entropy of a label that holds or not. */
function lossOf(task: CountedTask, output: number, there: number): [loss: number, slope: number] {
  if (task === 'count') return [(output - there) ** 2 / 2, output - there];
  const holds = there > 0 ? 1 : 0;
  const loss = Math.max(output, 0) - holds * output + Math.log1p(Math.exp(-Math.abs(output)));
  return [loss, 1 / (1 + Math.exp(-output)) - holds];
}

/**
 * Learns counts, or labels that hold by themselves, from what is to be found in pictures.
 *
 * @param validation prepared as a gateway does
 */
export function countObjective(
  task: CountedTask,
  training: MapDataset,
  validation: MapDataset,
  augment: MapAugmentation,
): Objective {
  const size = pictureValues(training.picture);
  const outputs = training.labels.length;
  const wanted: number[][] = [];
  const known = validation.places.flatMap((places) => countClasses(places, outputs));
  return {
    picture: training.picture,
    outputs,
    count: training.places.length,
    draw(picture, index, n, random) {
      picture.set(training.pictures.subarray(index * size, (index + 1) * size));
      wanted[n] = countClasses(augment(picture, training.places[index]!, random), outputs);
    },
    measure(values, gradient, batch): Measured {
      let [loss, hits] = [0, 0];
      for (let n = 0; n < batch; n++) {
        for (const [label, there] of wanted[n]!.entries()) {
          const at = n * outputs + label;
          const [own, slope] = lossOf(task, values[at]!, there);
          loss += own;
          gradient[at] = slope / batch;
          if (isRight(task, values[at]!, there)) hits++;
        }
      }
      return { loss, counted: batch, hits, of: batch * outputs };
    },
    validate(network, input, batch) {
      const answers = predict(network, validation, input, batch);
      return known.filter((there, i) => isRight(task, answers[i]!, there)).length / known.length;
    },
  };
}
