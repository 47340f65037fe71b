import { accuracyOf } from '#network/model/confusion.ts';
import { type Dataset, pictureValues } from '#network/model/dataset.ts';
import type { SeededRandom } from '#network/model/random.ts';
import type { Architecture } from './architecture.ts';
import { type Distillation, distill } from './distillation.ts';
import { fitNetwork } from './fit-network.ts';
import type { FitOptions, TrainingResult } from './fit-options.ts';
import type { Measured } from './objective.ts';
import { placePicture } from './place-picture.ts';
import type { Teacher } from './teacher.ts';
import type { TrainableNetwork } from './trainable-network.ts';

/** Label of a picture that shows nothing the network knows: all classes are equally likely, and no logit is large. */
export const NO_CLASS = -1;

/** Changes one picture in place before it is learned from; `random` makes it reproducible. A returned number replaces the label. */
export type Augmentation = (picture: Float32Array, random: SeededRandom, label: number) => number | undefined;

/** How to train a network that classifies. */
export type TrainingOptions = FitOptions & {
  /** Share of each target that is spread over all classes. */
  readonly labelSmoothing?: number;
  /** May change a picture in place; a returned number replaces its label, {@link NO_CLASS} for an outlier. */
  readonly augment?: Augmentation;
  /** A network to learn from, laid out for batches of this training, beside the labels; not for outliers. */
  readonly teacher?: Distillation & { readonly network: Teacher };
};

/** Weight of √(1 + z²) for each logit z of an outlier. Its slope is bounded, so one extreme picture does not dominate its batch. */
const OUTLIER_PULL = 0.1;

/** Cross entropy of softmax(logits), over the pictures of a class, mixed with what a teacher says; writes the gradient by the logits. */
function crossEntropy(
  logits: Float32Array,
  labels: Int16Array,
  gradient: Float32Array,
  classes: number,
  { labelSmoothing: smoothing = 0, teacher }: Pick<TrainingOptions, 'labelSmoothing' | 'teacher'>,
): Measured {
  const taught = teacher?.network.answer();
  let loss = 0;
  let hits = 0;
  let counted = 0;
  for (let n = 0; n < labels.length; n++) {
    const outlier = labels[n] === NO_CLASS;
    const row = logits.subarray(n * classes, (n + 1) * classes);
    const slopes = gradient.subarray(n * classes, (n + 1) * classes);
    const largest = Math.max(...row);
    let own = 0;
    let sum = 0;
    for (const logit of row) sum += Math.exp(logit - largest);
    for (let k = 0; k < classes; k++) {
      const target = outlier ? 1 / classes : (k === labels[n] ? 1 - smoothing : 0) + smoothing / classes;
      const logProbability = row[k]! - largest - Math.log(sum);
      const pull = outlier ? (OUTLIER_PULL * row[k]!) / Math.sqrt(1 + row[k]! * row[k]!) : 0;
      if (!outlier) own -= target * logProbability;
      slopes[k] = Math.exp(logProbability) - target + pull;
    }
    if (taught && !outlier)
      own = distill(row, taught.subarray(n * classes, (n + 1) * classes), teacher!, own, slopes);
    for (let k = 0; k < classes; k++) slopes[k]! /= labels.length;
    if (outlier) continue;
    loss += own;
    counted++;
    if (row[labels[n]!] === largest) hits++;
  }
  return { loss, hits, counted, of: counted };
}

/** Outputs for every picture of a dataset, in inference mode, one picture after the other; of maps label by label. */
export function predict(
  network: TrainableNetwork,
  dataset: Pick<Dataset, 'picture' | 'pictures'>,
  input: Float32Array,
  batch: number,
): Float32Array {
  const size = pictureValues(dataset.picture);
  const count = dataset.pictures.length / size;
  const logits = new Float32Array(count * network.outputs);
  for (let start = 0; start < count; start += batch) {
    const length = Math.min(batch, count - start);
    for (let n = 0; n < length; n++) {
      const picture = dataset.pictures.subarray((start + n) * size, (start + n + 1) * size);
      placePicture(input, picture, n, length, dataset.picture.channels);
    }
    const out = network.forward(input, length, false);
    for (let n = 0; n < length; n++)
      logits.set(network.outputsOf(out, n, length), (start + n) * network.outputs);
  }
  return logits;
}

/**
 * Trains a network that classifies; the same seed, data and options give the same weights on every machine.
 *
 * @param validation decides which epoch is kept; it must not be the data that accuracy is claimed on.
 * @throws NetworkError NETWORK_TRAINING if the loss stops being a number; the signal's reason if it is aborted before the first epoch has ended.
 */
export async function trainNetwork(
  architecture: Architecture,
  training: Dataset,
  validation: Dataset,
  options: TrainingOptions,
): Promise<TrainingResult> {
  const size = pictureValues(training.picture);
  const labels = new Int16Array(Math.min(options.batch, training.classes.length));
  const classes = training.labels.length;
  return fitNetwork(
    architecture,
    {
      picture: training.picture,
      outputs: classes,
      count: training.classes.length,
      draw(picture, index, n, random) {
        picture.set(training.pictures.subarray(index * size, (index + 1) * size));
        const label = training.classes[index]!;
        labels[n] = options.augment?.(picture, random, label) ?? label;
        options.teacher?.network.pictures.set(picture, n * size);
      },
      measure: (logits, gradient) => crossEntropy(logits, labels, gradient, classes, options),
      validate: (network, input, batch) =>
        accuracyOf(predict(network, validation, input, batch), validation.classes),
    },
    options,
  );
}
