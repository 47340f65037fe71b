import { setImmediate } from 'node:timers/promises';
import { pictureValues } from '#network/model/dataset.ts';
import { Workspace } from '#network/model/kernel/workspace.ts';
import { SeededRandom } from '#network/model/random.ts';
import { NetworkError } from '../errors.ts';
import { Adam } from './adam.ts';
import type { Architecture } from './architecture.ts';
import type { LayerContext } from './layers/layer.ts';
import { learningRateAt, type Schedule } from './learning-rate.ts';
import type { Objective } from './objective.ts';
import { placePicture } from './place-picture.ts';
import { Sgd } from './sgd.ts';
import { TrainableNetwork } from './trainable-network.ts';
import { WeightAverage } from './weight-average.ts';

/** One line of a learning curve. */
export type EpochReport = {
  readonly epoch: number;
  readonly epochs: number;
  /** Mean over the training pictures; cross entropy is in nats. */
  readonly loss: number;
  /** 0 to 1: share of right answers, or F1 of a map. */
  readonly trainingScore: number;
  readonly validationScore: number;
  readonly elapsedMs: number;
};

/** How to train a network. */
export type FitOptions = {
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
  /** Decay per step of the averaged weights that are kept at the end (`WeightAverage`); none by default. */
  readonly averaging?: number;
  /** Share of the epochs after which normalization uses its running statistics in training too; never by default. */
  readonly freezeNormalizationAt?: number;
  /**
   * Factor for the weights of the last layer before training; 1 by default. A map whose cells add up starts far from any count unless they are
   * near zero.
   */
  readonly outputScale?: number;
  /** Largest norm of all gradients together; a longer one is shortened to it. 5 by default. */
  readonly gradientNorm?: number;
  /** Keeps the inputs of activations in range while training, see `ClampLayer`. */
  readonly clamp?: ClampOptions;
  /** Stops after this many epochs without a better validation score. */
  readonly patience?: number;
  /** Ends training early; the best so far is kept if an epoch has ended. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (report: EpochReport) => void;
};

/** See `ClampLayer`. */
export type ClampOptions = {
  readonly range: number;
  /** 0.001 by default. */
  readonly penalty?: number;
  /** Share of the steps over which the penalty rises from zero; a tenth by default. */
  readonly warmUp?: number;
};

/** A trained network, with the weights of its best epoch, and its learning curve. */
export type TrainingResult = { readonly network: TrainableNetwork; readonly curve: readonly EpochReport[] };

const WORKSPACE_BYTES = 1.5 * 2 ** 30;
const GRADIENT_NORM = 5;
const PENALTY = 1e-3;
const PENALTY_WARM_UP = 0.1;

/** Weight of the penalty at a share of the training. */
function penaltyAt({ penalty = PENALTY, warmUp = PENALTY_WARM_UP }: ClampOptions, done: number): number {
  return penalty * (warmUp === 0 ? 1 : Math.min(1, done / warmUp));
}

/** An untrained network with the outputs that are wanted. @throws NetworkError NETWORK_TRAINING if it has others. */
function createNetwork(
  architecture: Architecture,
  objective: Objective,
  context: LayerContext,
  outputScale = 1,
): TrainableNetwork {
  const network = new TrainableNetwork(context, objective.picture, architecture);
  if (network.outputs !== objective.outputs) {
    throw new NetworkError(
      'NETWORK_TRAINING',
      `the network has ${network.outputs} outputs, but ${objective.outputs} are wanted`,
    );
  }
  if (outputScale !== 1) {
    for (const { values } of network.layers.at(-1)!.parameters)
      values.set(values.map((value) => outputScale * value));
  }
  return network;
}

/**
 * Trains a network; the same seed, objective and options give the same weights on every machine.
 *
 * @throws NetworkError NETWORK_TRAINING if the loss stops being a number; the signal's reason if it is aborted before the first epoch has ended.
 */
export async function fitNetwork(
  architecture: Architecture,
  objective: Objective,
  options: FitOptions,
): Promise<TrainingResult> {
  const { seed, epochs, signal, schedule = 'cosine' } = options;
  const random = new SeededRandom(seed);
  const workspace = await Workspace.create(WORKSPACE_BYTES);
  const count = objective.count;
  const batch = Math.min(options.batch, count);
  const clamp = options.clamp && { range: options.clamp.range, penalty: 0 };
  const context = { workspace, random, batch, ...(clamp && { clamp }) };
  const network = createNetwork(architecture, objective, context, options.outputScale);
  const Optimizer = options.optimizer === 'sgd' ? Sgd : Adam;
  const optimizer = new Optimizer(network.parameters, {
    weightDecay: options.weightDecay,
    gradientNorm: options.gradientNorm ?? GRADIENT_NORM,
  });
  const average =
    options.averaging === undefined ? null : new WeightAverage(network.state, options.averaging);
  const size = pictureValues(objective.picture);
  const input = workspace.allocate(batch * size);
  const gradient = workspace.allocate(batch * network.outputs);
  const picture = new Float32Array(size);
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  const stepsPerEpoch = Math.floor(count / batch);
  const started = performance.now();
  const curve: EpochReport[] = [];
  let best = { score: -1, loss: Infinity, weights: network.snapshot() };
  let improved = 0;
  epochLoop: for (let epoch = 1; epoch <= epochs; epoch++) {
    if (epoch > epochs * (options.freezeNormalizationAt ?? 1)) network.freezeNormalization();
    random.shuffle(order);
    let loss = 0;
    let hits = 0;
    let counted = 0;
    let of = 0;
    for (let step = 0; step < stepsPerEpoch; step++) {
      if (signal?.aborted) break epochLoop;
      const done = (epoch - 1) * stepsPerEpoch + step;
      if (clamp) clamp.penalty = penaltyAt(options.clamp!, done / (epochs * stepsPerEpoch));
      for (let n = 0; n < batch; n++) {
        objective.draw(picture, order[step * batch + n]!, n, random);
        placePicture(input, picture, n, batch, objective.picture.channels);
      }
      const measured = objective.measure(network.forward(input, batch, true), gradient, batch);
      loss += measured.loss;
      counted += measured.counted;
      hits += measured.hits;
      of += measured.of;
      network.backward(gradient, batch);
      optimizer.step(learningRateAt(schedule, done, epochs * stepsPerEpoch, options.learningRate));
      network.constrain();
      average?.add(network.state);
    }
    const weights = network.snapshot();
    if (average !== null) network.restore(average.values);
    const report: EpochReport = {
      epoch,
      epochs,
      loss: loss / counted,
      trainingScore: of === 0 ? 0 : hits / of,
      validationScore: objective.validate(network, input, batch),
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
    const better = report.validationScore - best.score;
    if (better > 0) improved = epoch;
    if (better > 0 || (better === 0 && report.loss <= best.loss)) {
      best = { score: report.validationScore, loss: report.loss, weights: network.snapshot() };
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
