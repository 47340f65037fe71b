import { setImmediate } from 'node:timers/promises';
import { simplifyGraph } from '#network/compiler/rewrite/simplify-graph.ts';
import { classOf, type DatasetPart, pictureOf, pictureValues } from '#network/model/dataset.ts';
import { SeededRandom } from '#network/model/random.ts';
import { NetworkError } from '../errors.ts';
import type { Graph } from '../model/graph.ts';
import { Adam } from './adam.ts';
import { layOutTrainer } from './lay-out-trainer.ts';
import { learningRateAt } from './learning-rate.ts';
import { ScaledParameter } from './scaled-parameter.ts';
import { crossEntropy, temperatureOf } from './tuning-loss.ts';
import { WeightAverage } from './weight-average.ts';
import { withParameters } from './with-parameters.ts';

/** How to fine-tune a network. */
export type FineTuneOptions = {
  readonly epochs: number;
  readonly batch: number;
  /**
   * Highest step (see {@link learningRateAt}, cosine), relative to the size of each parameter: 0.01 moves a weight by about 1 % of its
   * layer's typical weight.
   */
  readonly learningRate: number;
  readonly seed: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: {
    readonly epoch: number;
    readonly step: number;
    readonly steps: number;
    readonly loss: number;
  }) => void;
};

const WEIGHT_DECAY = 0;
/**
 * Memory of the exponential average of the weights that is the result, as a share of all steps: mnist-8 answered 98.35 % of held-out
 * pictures correctly instead of 98.30 %.
 */
const AVERAGED = 0.25;
/** Gradients are those of scaled parameters, so that one norm fits all networks. */
const GRADIENT_NORM = 1;

/**
 * Trains a graph further, with polynomials in place: every weight, bias and coefficient. The given graph stays unchanged.
 *
 * @param training labelled pictures, prepared as the graph takes them.
 * @throws NetworkError NETWORK_OPERATOR for activations not approximated yet; NETWORK_TRAINING if the loss or a weight stops being a
 * number; NETWORK_SHAPE if the pictures do not fit; NETWORK_TOO_LARGE if not even one picture fits into memory.
 */
export async function fineTune(
  given: Graph,
  training: DatasetPart,
  options: FineTuneOptions,
): Promise<Graph> {
  const graph = simplifyGraph(given);
  const count = training.chosen.length;
  const { trainer, batch } = await layOutTrainer(graph, Math.max(1, Math.min(options.batch, count)));
  const size = pictureValues(training.whole.picture);
  if (trainer.pictures.length !== batch * size) {
    throw new NetworkError(
      'NETWORK_SHAPE',
      `pictures of ${size} values, but the network takes ${trainer.pictures.length / batch}`,
    );
  }
  const parameters = trainer.parameters.map((trained) => new ScaledParameter(trained));
  const adam = new Adam(parameters, { weightDecay: WEIGHT_DECAY, gradientNorm: GRADIENT_NORM });
  const random = new SeededRandom(options.seed);
  const steps = Math.floor(count / batch);
  const total = options.epochs * steps;
  const state = parameters.map(({ values }) => values);
  const average = new WeightAverage(state, 1 - 1 / Math.max(1, AVERAGED * total));
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  const labels = new Uint8Array(batch);
  let temperature: number | undefined;
  for (let epoch = 1; epoch <= options.epochs; epoch++) {
    random.shuffle(order);
    for (let step = 0; step < steps; step++) {
      options.signal?.throwIfAborted();
      order.subarray(step * batch, (step + 1) * batch).forEach((picture, n) => {
        trainer.pictures.set(pictureOf(training, picture), n * size);
        labels[n] = classOf(training, picture);
      });
      trainer.forward();
      temperature ??= temperatureOf(trainer.logits);
      const by = temperature;
      let loss = 0;
      trainer.backward((gradient) => {
        loss = crossEntropy(trainer.logits, labels, by, gradient);
      });
      if (!Number.isFinite(loss)) {
        const first = epoch === 1 && step === 0;
        const when = first ? 'before the first step' : `in epoch ${epoch}; lower the learning rate`;
        throw new NetworkError('NETWORK_TRAINING', `the loss is ${loss} ${when}`);
      }
      for (const parameter of parameters) parameter.read();
      adam.step(learningRateAt('cosine', (epoch - 1) * steps + step, total, options.learningRate));
      for (const parameter of parameters) parameter.write();
      average.add(state);
      options.onProgress?.({ epoch, step: step + 1, steps, loss });
      // Lets timers, signals and progress output run.
      await setImmediate();
    }
  }
  if (total > 0) {
    parameters.forEach((parameter, p) => {
      parameter.write(average.values[p]!);
    });
  }
  if (!trainer.parameters.every(({ values }) => values.every(Number.isFinite))) {
    throw new NetworkError(
      'NETWORK_TRAINING',
      'a weight is no number after the last step; lower the learning rate',
    );
  }
  return withParameters(graph, trainer.parameters);
}
