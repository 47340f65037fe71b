import { setImmediate } from 'node:timers/promises';
import { accuracyOf } from '#network/model/confusion.ts';
import { type Dataset, pictureValues } from '#network/model/dataset.ts';
import { Workspace } from '#network/model/kernel/workspace.ts';
import { SeededRandom } from '#network/model/random.ts';
import { NetworkError } from '../errors.ts';
import { Adam } from './adam.ts';
import type { Architecture } from './architecture.ts';
import { learningRateAt, type Schedule } from './learning-rate.ts';
import { Sgd } from './sgd.ts';
import { TrainableNetwork } from './trainable-network.ts';
import { WeightAverage } from './weight-average.ts';

/** Label of a picture that shows nothing the network knows: all classes are equally likely, and no logit is large. */
export const NO_CLASS = -1;

/** Changes one picture in place before it is learned from; `random` makes it reproducible. A returned number replaces the label. */
export type Augmentation = (picture: Float32Array, random: SeededRandom, label: number) => number | undefined;

/** One line of a learning curve. */
export type EpochReport = {
  readonly epoch: number;
  readonly epochs: number;
  /** Mean cross entropy over the training pictures, in nats. */
  readonly loss: number;
  readonly trainingAccuracy: number;
  readonly validationAccuracy: number;
  readonly elapsedMs: number;
};

/** How to train a network. */
export type TrainingOptions = {
  readonly seed: number;
  readonly epochs: number;
  readonly batch: number;
  /** Adam by default; `sgd` is plain descent with momentum. */
  readonly optimizer?: 'adam' | 'sgd';
  /** Highest learning rate; it warms up over the first 5 % of the steps and then follows the schedule. */
  readonly learningRate: number;
  /** A cosine by default. */
  readonly schedule?: Schedule;
  readonly weightDecay: number;
  /** Share of each target that is spread over all classes. */
  readonly labelSmoothing?: number;
  /** Decay per step of the averaged weights that are kept at the end (`WeightAverage`); none by default. */
  readonly averaging?: number;
  /** Share of the epochs after which normalization uses its running statistics in training too; never by default. */
  readonly freezeNormalizationAt?: number;
  /** May change a picture in place; a returned number replaces its label, {@link NO_CLASS} for an outlier. */
  readonly augment?: Augmentation;
  /** Stops after this many epochs without a better validation accuracy. */
  readonly patience?: number;
  /** Ends training early; the best so far is kept if an epoch has ended. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (report: EpochReport) => void;
};

/** A trained network, with the weights of its best epoch, and its learning curve. */
export type TrainingResult = { readonly network: TrainableNetwork; readonly curve: readonly EpochReport[] };

const WORKSPACE_BYTES = 1.5 * 2 ** 30;
const GRADIENT_NORM = 5;
/** Weight of √(1 + z²) for each logit z of an outlier. Its slope is bounded, so one extreme picture does not dominate its batch. */
const OUTLIER_PULL = 0.1;

/** Copies picture `n` of a batch from [channels · pixels] to [channels][batch][pixels]. */
function place(
  target: Float32Array,
  picture: Float32Array,
  n: number,
  batch: number,
  channels: number,
): void {
  const pixels = picture.length / channels;
  for (let c = 0; c < channels; c++) {
    target.set(picture.subarray(c * pixels, (c + 1) * pixels), (c * batch + n) * pixels);
  }
}

/** Cross entropy of softmax(logits), over the pictures of a class; writes the gradient by the logits. */
function crossEntropy(
  logits: Float32Array,
  labels: Int16Array,
  gradient: Float32Array,
  classes: number,
  smoothing: number,
): { loss: number; hits: number; counted: number } {
  let loss = 0;
  let hits = 0;
  let counted = 0;
  for (let n = 0; n < labels.length; n++) {
    const outlier = labels[n] === NO_CLASS;
    const row = logits.subarray(n * classes, (n + 1) * classes);
    const largest = Math.max(...row);
    let sum = 0;
    for (const logit of row) sum += Math.exp(logit - largest);
    for (let k = 0; k < classes; k++) {
      const target = outlier ? 1 / classes : (k === labels[n] ? 1 - smoothing : 0) + smoothing / classes;
      const logProbability = row[k]! - largest - Math.log(sum);
      const pull = outlier ? (OUTLIER_PULL * row[k]!) / Math.sqrt(1 + row[k]! * row[k]!) : 0;
      if (!outlier) loss -= target * logProbability;
      gradient[n * classes + k] = (Math.exp(logProbability) - target + pull) / labels.length;
    }
    if (outlier) continue;
    counted++;
    if (row[labels[n]!] === largest) hits++;
  }
  return { loss, hits, counted };
}

/** Logits of every picture of a dataset, in inference mode, [pictures][classes]. */
export function predict(
  network: TrainableNetwork,
  dataset: Dataset,
  input: Float32Array,
  batch: number,
): Float32Array {
  const size = pictureValues(dataset.picture);
  const count = dataset.classes.length;
  const logits = new Float32Array(count * network.classes);
  for (let start = 0; start < count; start += batch) {
    const length = Math.min(batch, count - start);
    for (let n = 0; n < length; n++) {
      const picture = dataset.pictures.subarray((start + n) * size, (start + n + 1) * size);
      place(input, picture, n, length, dataset.picture.channels);
    }
    const out = network.forward(input, length, false);
    logits.set(out.subarray(0, length * network.classes), start * network.classes);
  }
  return logits;
}

/**
 * Trains a network; the same seed, data and options give the same weights on every machine.
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
  const { seed, epochs, signal, schedule = 'cosine' } = options;
  const random = new SeededRandom(seed);
  const workspace = await Workspace.create(WORKSPACE_BYTES);
  const count = training.classes.length;
  const batch = Math.min(options.batch, count);
  const network = new TrainableNetwork({ workspace, random, batch }, training.picture, architecture);
  if (network.classes !== training.labels.length) {
    throw new NetworkError(
      'NETWORK_TRAINING',
      `${network.classes} outputs for ${training.labels.length} labels`,
    );
  }
  const Optimizer = options.optimizer === 'sgd' ? Sgd : Adam;
  const optimizer = new Optimizer(network.parameters, {
    weightDecay: options.weightDecay,
    gradientNorm: GRADIENT_NORM,
  });
  const average =
    options.averaging === undefined ? null : new WeightAverage(network.state, options.averaging);
  const size = pictureValues(training.picture);
  const input = workspace.allocate(batch * size);
  const gradient = workspace.allocate(batch * network.classes);
  const picture = new Float32Array(size);
  const labels = new Int16Array(batch);
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  const stepsPerEpoch = Math.floor(count / batch);
  const started = performance.now();
  const curve: EpochReport[] = [];
  let best = { accuracy: -1, loss: Infinity, weights: network.snapshot() };
  let improved = 0;
  epochLoop: for (let epoch = 1; epoch <= epochs; epoch++) {
    if (epoch > epochs * (options.freezeNormalizationAt ?? 1)) network.freezeNormalization();
    random.shuffle(order);
    let loss = 0;
    let hits = 0;
    let seen = 0;
    for (let step = 0; step < stepsPerEpoch; step++) {
      if (signal?.aborted) break epochLoop;
      for (let n = 0; n < batch; n++) {
        const from = order[step * batch + n]!;
        picture.set(training.pictures.subarray(from * size, (from + 1) * size));
        labels[n] = options.augment?.(picture, random, training.classes[from]!) ?? training.classes[from]!;
        place(input, picture, n, batch, training.picture.channels);
      }
      const logits = network.forward(input, batch, true);
      const measured = crossEntropy(logits, labels, gradient, network.classes, options.labelSmoothing ?? 0);
      loss += measured.loss;
      hits += measured.hits;
      seen += measured.counted;
      network.backward(gradient, batch);
      const done = (epoch - 1) * stepsPerEpoch + step;
      optimizer.step(learningRateAt(schedule, done, epochs * stepsPerEpoch, options.learningRate));
      average?.add(network.state);
    }
    const weights = network.snapshot();
    if (average !== null) network.restore(average.values);
    const report: EpochReport = {
      epoch,
      epochs,
      loss: loss / seen,
      trainingAccuracy: hits / seen,
      validationAccuracy: accuracyOf(predict(network, validation, input, batch), validation.classes),
      elapsedMs: performance.now() - started,
    };
    if (!Number.isFinite(report.loss)) {
      throw new NetworkError(
        'NETWORK_TRAINING',
        `the loss is ${report.loss} in epoch ${epoch}; lower the learning rate`,
      );
    }
    curve.push(report);
    options.onProgress?.(report);
    const better = report.validationAccuracy - best.accuracy;
    if (better > 0) improved = epoch;
    if (better > 0 || (better === 0 && report.loss <= best.loss)) {
      best = { accuracy: report.validationAccuracy, loss: report.loss, weights: network.snapshot() };
    }
    if (average !== null) network.restore(weights);
    if (epoch - improved >= (options.patience ?? epochs)) break;
    // Lets timers, signals and progress output run.
    await setImmediate();
  }
  if (curve.length === 0) signal?.throwIfAborted();
  network.restore(best.weights);
  return { network, curve };
}
