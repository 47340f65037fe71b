import { setImmediate } from 'node:timers/promises';
import { pictureValues } from '#network/model/dataset.ts';
import type { Workspace } from '#network/model/kernel/workspace.ts';
import { SeededRandom } from '#network/model/random.ts';
import { NetworkError } from '../errors.ts';
import { Adam } from './adam.ts';
import type { Architecture } from './architecture.ts';
import { decodeCheckpoint, encodeCheckpoint } from './checkpoint.ts';
import type { ClampOptions, EpochReport, FitOptions, TrainingResult } from './fit-options.ts';
import type { ActivationRange, LayerContext } from './layers/layer.ts';
import { learningRateAt } from './learning-rate.ts';
import type { Objective } from './objective.ts';
import { placePicture } from './place-picture.ts';
import { Sgd } from './sgd.ts';
import { TrainableNetwork } from './trainable-network.ts';
import { WeightAverage } from './weight-average.ts';

const GRADIENT_NORM = 5;
const PENALTY = 1e-3;
const PENALTY_WARM_UP = 0.1;
/** After so long timers, signals and progress output run. */
const TURN_MS = 100;

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

/** What an epoch was like, beside its weights. */
type Best = { score: number; loss: number; weights: Float32Array[] };

/** A training under way: all that changes from epoch to epoch. */
export class Fitting {
  readonly network: TrainableNetwork;
  readonly curve: EpochReport[] = [];
  readonly #objective: Objective;
  readonly #options: FitOptions;
  readonly #random: SeededRandom;
  readonly #batch: number;
  readonly #clamp: ActivationRange | undefined;
  readonly #optimizer: Adam | Sgd;
  readonly #average: WeightAverage | null;
  readonly #input: Float32Array;
  readonly #gradient: Float32Array;
  /** Pictures in the order of the last epoch. */
  readonly #order: Uint32Array;
  readonly #started = performance.now();
  #best: Best;
  /** Last epoch with a better score than any before. */
  #improved = 0;

  constructor(workspace: Workspace, architecture: Architecture, objective: Objective, options: FitOptions) {
    this.#objective = objective;
    this.#options = options;
    this.#random = new SeededRandom(options.seed);
    this.#batch = Math.min(options.batch, objective.count);
    this.#clamp = options.clamp && { range: options.clamp.range, penalty: 0 };
    const context = {
      ...{ workspace, random: this.#random, batch: this.#batch },
      ...(this.#clamp && { clamp: this.#clamp }),
    };
    this.network = createNetwork(architecture, objective, context, options.outputScale);
    const Optimizer = options.optimizer === 'sgd' ? Sgd : Adam;
    this.#optimizer = new Optimizer(this.network.parameters, {
      weightDecay: options.weightDecay,
      gradientNorm: options.gradientNorm ?? GRADIENT_NORM,
    });
    this.#average =
      options.averaging === undefined ? null : new WeightAverage(this.network.state, options.averaging);
    this.#input = workspace.allocate(this.#batch * pictureValues(objective.picture));
    this.#gradient = workspace.allocate(this.#batch * this.network.outputs);
    this.#order = Uint32Array.from({ length: objective.count }, (_, i) => i);
    this.#best = { score: -1, loss: Infinity, weights: this.network.snapshot() };
  }

  /** Epochs that have ended. */
  get epoch(): number {
    return this.curve.length;
  }

  /** Whether all epochs have ended, or none was better for too long. */
  get isOver(): boolean {
    const { epochs, patience = epochs } = this.#options;
    return this.epoch >= epochs || (this.epoch > 0 && this.epoch - this.#improved >= patience);
  }

  /**
   * Trains for one epoch.
   *
   * @returns null if the signal ended it early.
   * @throws NetworkError NETWORK_TRAINING if the loss is no number.
   */
  async runEpoch(signal?: AbortSignal, onStep?: FitOptions['onStep']): Promise<EpochReport | null> {
    const { epochs, freezeNormalizationAt = 1 } = this.#options;
    const epoch = this.epoch + 1;
    const steps = Math.floor(this.#objective.count / this.#batch);
    if (epoch > epochs * freezeNormalizationAt) this.network.freezeNormalization();
    this.#random.shuffle(this.#order);
    const sum = { loss: 0, hits: 0, counted: 0, of: 0 };
    let turned = performance.now();
    for (let step = 0; step < steps; step++) {
      if (performance.now() - turned > TURN_MS) {
        onStep?.(epoch, step / steps);
        await setImmediate();
        turned = performance.now();
      }
      if (signal?.aborted) return null;
      const measured = this.#step(step, (epoch - 1) * steps + step, epochs * steps);
      sum.loss += measured.loss;
      sum.counted += measured.counted;
      sum.hits += measured.hits;
      sum.of += measured.of;
    }
    const report = this.#finishEpoch(epoch, sum.loss / sum.counted, sum.of === 0 ? 0 : sum.hits / sum.of);
    this.curve.push(report);
    return report;
  }

  /** One step: @param step of the epoch, @param done steps so far, @param all steps. */
  #step(step: number, done: number, all: number) {
    const { schedule = 'cosine', learningRate, clamp } = this.#options;
    const { picture: format } = this.#objective;
    const [batch, network] = [this.#batch, this.network];
    const picture = new Float32Array(pictureValues(format));
    if (this.#clamp && clamp) this.#clamp.penalty = penaltyAt(clamp, done / all);
    for (let n = 0; n < batch; n++) {
      this.#objective.draw(picture, this.#order[step * batch + n]!, n, this.#random);
      placePicture(this.#input, picture, n, batch, format.channels);
    }
    const outputs = network.forward(this.#input, batch, true);
    const measured = this.#objective.measure(outputs, this.#gradient, batch);
    network.backward(this.#gradient, batch);
    this.#optimizer.step(learningRateAt(schedule, done, all, learningRate));
    network.constrain();
    this.#average?.add(network.state);
    return measured;
  }

  /** Validates, with averaged weights if there are any, and remembers the best. */
  #finishEpoch(epoch: number, loss: number, trainingScore: number): EpochReport {
    const { epochs } = this.#options;
    const { network } = this;
    const weights = network.snapshot();
    if (this.#average !== null) network.restore(this.#average.values);
    const validationScore = this.#objective.validate(network, this.#input, this.#batch);
    if (!Number.isFinite(loss)) {
      throw new NetworkError(
        'NETWORK_TRAINING',
        `the loss is ${loss} in epoch ${epoch}; lower the learning rate`,
      );
    }
    const better = validationScore - this.#best.score;
    if (better > 0) this.#improved = epoch;
    if (better > 0 || (better === 0 && loss <= this.#best.loss))
      this.#best = { score: validationScore, loss, weights: network.snapshot() };
    if (this.#average !== null) network.restore(weights);
    const elapsedMs = performance.now() - this.#started;
    return { epoch, epochs, loss, trainingScore, validationScore, elapsedMs };
  }

  /** The network with the weights of its best epoch. */
  finish(): TrainingResult {
    this.network.restore(this.#best.weights);
    return { network: this.network, curve: this.curve };
  }

  /** Everything that changes, in place. */
  get #arrays(): readonly (Float32Array | Uint32Array)[] {
    return [
      ...this.network.state,
      ...this.#optimizer.state,
      ...(this.#average?.values ?? []),
      ...this.#best.weights,
      this.#order,
    ];
  }

  /** All that {@link restore} needs to go on after the last epoch as if nothing had happened. */
  state(identity: Readonly<Record<string, string>>): Uint8Array {
    const facts = {
      random: [...this.#random.state],
      steps: this.#optimizer.steps,
      averaged: this.#average?.steps ?? 0,
      improved: this.#improved,
      best: { score: this.#best.score, loss: this.#best.loss },
      curve: this.curve,
    };
    return encodeCheckpoint(identity, facts, this.#arrays);
  }

  /** @throws NetworkError NETWORK_RESUME if this is the state of another training, or damaged. */
  restore(state: Uint8Array, identity: Readonly<Record<string, string>>): void {
    const facts = decodeCheckpoint(state, identity, this.#arrays);
    this.#random.restore(facts.random);
    this.#optimizer.steps = facts.steps;
    if (this.#average) this.#average.steps = facts.averaged;
    this.#improved = facts.improved;
    this.#best = { ...this.#best, ...facts.best };
    this.curve.push(...facts.curve);
  }
}
