import type { Phase, Schedule } from './learning-rate.ts';
import type { TrainableNetwork } from './trainable-network.ts';

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
  readonly schedule?: Schedule | readonly Phase[];
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
  /** Threads that compute, the caller's included; the machine's by default where training takes more than seconds. Results do not depend on it. */
  readonly threads?: number;
  /** Ends training early; the best so far is kept if an epoch has ended. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (report: EpochReport) => void;
  /** Called several times a second with the epoch and the share of it that is done. */
  readonly onStep?: (epoch: number, share: number) => void;
  /** Goes on where an earlier run of the same training was, and keeps how far it is after each epoch. */
  readonly resume?: ResumeStore;
};

/** See `ClampLayer`. */
export type ClampOptions = {
  readonly range: number;
  /** 0.001 by default. */
  readonly penalty?: number;
  /** Share of the steps over which the penalty rises from zero; a tenth by default. */
  readonly warmUp?: number;
};

/** Where a training keeps how far it is, to go on there. */
export type ResumeStore = {
  /** What must be the same: recipe, pictures, seed; by name. */
  readonly identity: Readonly<Record<string, string>>;
  /** What was kept last; null for nothing. */
  load(): Promise<Uint8Array | null>;
  /** Keeps the state after an epoch. */
  save(state: Uint8Array): Promise<void>;
};

/** A trained network, with the weights of its best epoch, and its learning curve. */
export type TrainingResult = { readonly network: TrainableNetwork; readonly curve: readonly EpochReport[] };
