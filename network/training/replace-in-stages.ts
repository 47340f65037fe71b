import { setImmediate } from 'node:timers/promises';
import type { FineTuneProgress } from '#network/compiler/importing/import-network.ts';
import { absorbMapQuadratics } from '#network/compiler/rewrite/absorb-map-quadratics.ts';
import type { ActivationReport } from '#network/compiler/rewrite/approximate-activations.ts';
import { replaceNode } from '#network/compiler/rewrite/replace-nodes.ts';
import { simplifyGraph } from '#network/compiler/rewrite/simplify-graph.ts';
import { accuracyOf } from '#network/model/confusion.ts';
import { classOf, type Dataset, type DatasetPart, pictureOf, pictureValues } from '#network/model/dataset.ts';
import { type Graph, nodeCaption, nodeLabel } from '#network/model/graph.ts';
import { SeededRandom } from '#network/model/random.ts';
import { NetworkError } from '../errors.ts';
import { Adam } from './adam.ts';
import { mirrorPicture } from './augment.ts';
import type { ChangingActivation } from './gradients/changing-activation.ts';
import type { GraphTrainer } from './gradients/graph-trainer.ts';
import { insertNormalization, type NormalizedGraph } from './insert-normalization.ts';
import { layOutTrainer } from './lay-out-trainer.ts';
import { learningRateAt } from './learning-rate.ts';
import { NetworkUnderway, spread } from './network-underway.ts';
import type { Resumable } from './resume-file.ts';
import { ScaledParameter, sizeOfValues } from './scaled-parameter.ts';
import { TaughtAnswers } from './taught-answers.ts';
import { crossEntropy, temperatureOf } from './tuning-loss.ts';
import { WeightAverage } from './weight-average.ts';
import { withParameters } from './with-parameters.ts';

/** How to replace activations while training goes on. */
export type StageOptions = {
  /** Pictures that training sees in all, those seen again included. */
  readonly pictures: number;
  readonly batch: number;
  /** Highest step relative to the size of each parameter, as in `fineTune`. */
  readonly learningRate: number;
  readonly seed: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: FineTuneProgress) => void;
  /** Where an earlier run of the same training has stopped. */
  readonly from?: Resumable;
  /** Called with the state, about once a minute, and before the signal's reason is thrown. */
  readonly keep?: (state: Resumable) => Promise<void>;
};

/** A network of quadratics, and how it became one. */
export type StagedNetwork = {
  readonly graph: Graph;
  readonly layers: readonly ActivationReport[];
  /** Accuracy with every activation replaced, before any training. */
  readonly accuracyApproximated: number;
};

/** Share of the steps in which activations change, one after the other; in the others all are quadratics. */
const CHANGING = 0.4;
/** Share of the steps of a stage over which its activation changes. */
const RAMP = 0.8;
/** Memory of the average of the weights that is the result, as a share of all steps. */
const AVERAGED = 0.1;
const GRADIENT_NORM = 1;
/** Typical size of a coefficient, in deviations of the activation's inputs. */
const COEFFICIENT = 0.3;
/**
 * While training, a quadratic takes no input that is further out than so many deviations, and what is there is pulled back: where all activations are
 * quadratics, one picture in a hundred would square itself through the network and spoil the statistics of its batch. Of a ResNet-8 on CIFAR-10, after half
 * an epoch: 3 gave 76.1 % with the clamp and 73.7 % without, 4 82.0 and 78.4 %, 6 (and a penalty that begins with a slope) 81.1 and 79.6 %.
 */
const LIMIT_DEVIATIONS = 6;
const PULL = 0.02;
/** The given network teaches most of it: it is the network's own answers that must be kept. */
const DISTILLATION = { share: 0.75, temperature: 2 };
/** Mirrored pictures are shown, too, if the given network knows them nearly as well: it has learned that left and right do not matter. */
const MIRROR_LOSS = 0.02;
const KEPT_EVERY_MS = 60_000;
/** What is kept between runs, besides arrays. */
type Kept = {
  readonly step: number;
  readonly elapsedMs: number;
  readonly begun: number;
  readonly layers: readonly ActivationReport[];
  readonly accuracyApproximated: number;
  readonly accuracy: number;
  readonly adamSteps: number;
  readonly averageSteps: number;
};

/** The training of one network, with everything that changes on the way. */
class StagedTraining {
  readonly #training: DatasetPart;
  readonly #measured: Dataset;
  readonly #options: StageOptions;
  readonly #normalized: NormalizedGraph;
  readonly #network: NetworkUnderway;
  readonly #trainer: GraphTrainer;
  readonly #batch: number;
  readonly #size: number;
  readonly #teacher: TaughtAnswers;
  readonly #mirrors: boolean;
  readonly #parameters: readonly ScaledParameter[];
  readonly #adam: Adam;
  readonly #average: WeightAverage;
  readonly #state: readonly Float32Array[];
  /** Steps in all, of a stage, and of all stages. */
  readonly #steps: number;
  readonly #stage: number;
  #step = 0;
  /** Stages begun. */
  #begun = 0;
  #layers: ActivationReport[] = [];
  #accuracyApproximated = 0;
  /** Of the newest measurement. */
  #accuracy = 0;
  #elapsedMs = 0;
  #since = performance.now();

  constructor(
    parts: {
      readonly normalized: NormalizedGraph;
      readonly trainer: GraphTrainer;
      readonly batch: number;
      readonly teacher: TaughtAnswers;
      readonly mirrors: boolean;
      readonly training: DatasetPart;
      readonly measured: Dataset;
    },
    options: StageOptions,
  ) {
    const { trainer, normalized } = parts;
    this.#normalized = normalized;
    this.#network = new NetworkUnderway(trainer, parts.batch, normalized, parts.training);
    this.#trainer = trainer;
    this.#batch = parts.batch;
    this.#teacher = parts.teacher;
    this.#mirrors = parts.mirrors;
    this.#training = parts.training;
    this.#measured = parts.measured;
    this.#size = pictureValues(parts.training.whole.picture);
    this.#options = options;
    const stages = trainer.activations.length;
    this.#steps = Math.max(2 * stages, Math.ceil(options.pictures / parts.batch));
    this.#stage = Math.max(1, Math.floor((CHANGING * this.#steps) / stages));
    this.#network.setStatistics();
    const scales = new Map(normalized.normalizations.map(({ shift, scale }) => [shift, scale]));
    const coefficients = new Set(trainer.activations.map(({ node }) => node.outputs[0]!));
    this.#parameters = trainer.parameters.map((trained) => {
      if (coefficients.has(trained.name)) return new ScaledParameter(trained, COEFFICIENT);
      const scale = scales.get(trained.name);
      // A shift may be zero everywhere: it moves by as much as what it is added to.
      return new ScaledParameter(
        trained,
        scale === undefined ? undefined : sizeOfValues(trainer.valuesOf(scale).values),
      );
    });
    this.#adam = new Adam(this.#parameters, { weightDecay: 0, gradientNorm: GRADIENT_NORM });
    this.#state = [
      ...this.#parameters.map(({ values }) => values),
      ...trainer.statistics.map(({ values }) => values),
    ];
    this.#average = new WeightAverage(this.#state, 1 - 1 / Math.max(1, AVERAGED * this.#steps));
    if (options.from !== undefined) this.#restore(options.from);
  }

  /** What replacing everything at once, without training, would do. */
  #tryAll(): void {
    for (const activation of this.#trainer.activations) {
      this.#network.calibrate(activation);
      activation.share = 1;
    }
    this.#accuracyApproximated = this.#network.measure(this.#measured);
    for (const activation of this.#trainer.activations) {
      activation.share = 0;
      activation.coefficients.values.fill(0);
    }
    this.#accuracy = this.#network.measure(this.#measured);
  }

  #now(): number {
    return this.#elapsedMs + performance.now() - this.#since;
  }

  #bound(activation: ChangingActivation): void {
    activation.limit = LIMIT_DEVIATIONS;
    activation.pull = PULL / this.#batch;
  }

  /** Ends the report of the newest stage. */
  #endStage(): void {
    const last = this.#layers.at(-1);
    if (last === undefined || last.accuracyTrained !== null) return;
    this.#accuracy = this.#network.measure(this.#measured);
    const seconds = this.#now() / 1000 - last.seconds;
    this.#layers[this.#layers.length - 1] = { ...last, accuracyTrained: this.#accuracy, seconds };
  }

  #beginStage(): void {
    const activation = this.#trainer.activations[this.#begun++]!;
    // While the stage lasts, when it began.
    const seconds = this.#now() / 1000;
    const found = this.#network.calibrate(activation);
    activation.share = 1;
    this.#bound(activation);
    const { node } = activation;
    const accuracyBefore = this.#accuracy;
    this.#accuracy = this.#network.measure(this.#measured);
    this.#layers.push({
      node: nodeLabel(node),
      caption: nodeCaption(node),
      operator: node.operator,
      method: 'quadratics-of-maps',
      degree: 2,
      ...found,
      accuracyBefore,
      accuracy: this.#accuracy,
      accuracyTrained: null,
      seconds,
    });
    for (const parameter of this.#parameters) {
      parameter.reread();
      parameter.write();
    }
  }

  /** Shares of all activations in a step. */
  #setShares(step: number): void {
    const at = Math.floor(step / this.#stage);
    this.#trainer.activations.forEach((activation, i) => {
      const within = (step - i * this.#stage + 1) / (RAMP * this.#stage);
      activation.share = i >= this.#begun ? 0 : i < at ? 1 : Math.min(1, within);
    });
  }

  /** Fills in the pictures of a step, and returns what they are: numbers of training pictures, those mirrored behind all others. */
  #fill(order: Uint32Array, labels: Uint8Array): number[] {
    const count = this.#training.chosen.length;
    const batches = Math.floor(count / this.#batch);
    const random = new SeededRandom(this.#options.seed + 7919 * this.#step);
    const first = (this.#step % batches) * this.#batch;
    return Array.from({ length: this.#batch }, (_, n) => {
      const picture = order[first + n]!;
      const to = this.#trainer.pictures.subarray(n * this.#size, (n + 1) * this.#size);
      to.set(pictureOf(this.#training, picture));
      labels[n] = classOf(this.#training, picture);
      if (!this.#mirrors || random.uniform() < 0.5) return picture;
      mirrorPicture(to, this.#training.whole.picture);
      return count + picture;
    });
  }

  /** The order of the training pictures in an epoch. */
  #orderOf(epoch: number): Uint32Array {
    const order = Uint32Array.from({ length: this.#training.chosen.length }, (_, i) => i);
    new SeededRandom(this.#options.seed + 104_729 * epoch).shuffle(order);
    return order;
  }

  #learn(order: Uint32Array, labels: Uint8Array, answers: Float32Array, temperature: number): number {
    const trainer = this.#trainer;
    const numbers = this.#fill(order, labels);
    this.#teacher.answer(trainer.pictures, numbers, answers);
    trainer.forward();
    let loss = 0;
    trainer.backward((gradient) => {
      loss = crossEntropy(trainer.logits, labels, temperature, gradient, {
        answers,
        distillation: DISTILLATION,
      });
    });
    if (!Number.isFinite(loss)) {
      throw new NetworkError(
        'NETWORK_TRAINING',
        `the loss is ${loss} in step ${this.#step + 1}; lower the learning rate`,
      );
    }
    for (const parameter of this.#parameters) parameter.read();
    this.#adam.step(learningRateAt('cosine', this.#step, this.#steps, this.#options.learningRate));
    for (const parameter of this.#parameters) parameter.write();
    const begun = trainer.activations.slice(0, this.#begun);
    for (const activation of begun) activation.constrain();
    // Written again, because a run that goes on from what is kept has just these values.
    for (const parameter of this.#parameters) {
      parameter.reread();
      parameter.write();
    }
    return loss;
  }

  /** Everything that another run needs to go on. */
  #kept(): Resumable {
    const activations = this.#trainer.activations;
    const kept: Kept = {
      step: this.#step,
      elapsedMs: this.#now(),
      begun: this.#begun,
      layers: this.#layers,
      accuracyApproximated: this.#accuracyApproximated,
      accuracy: this.#accuracy,
      adamSteps: this.#adam.steps,
      averageSteps: this.#average.steps,
    };
    return {
      about: kept,
      arrays: new Map(
        this.#arrays().concat(
          activations.flatMap((one, i): [string, Float32Array][] => [
            [`center ${i}`, one.centers],
            [`deviation ${i}`, one.deviations],
          ]),
        ),
      ),
    };
  }

  #arrays(): [string, Float32Array][] {
    const named = (kind: string, arrays: readonly Float32Array[]): [string, Float32Array][] =>
      arrays.map((values, i) => [`${kind} ${i}`, values]);
    return [
      ...named('state', this.#state),
      ...named('moment', this.#adam.state),
      ...named('average', this.#average.values),
    ];
  }

  #restore({ about, arrays }: Resumable): void {
    const kept = about as Kept;
    this.#step = kept.step;
    this.#begun = kept.begun;
    this.#layers = [...kept.layers];
    this.#accuracyApproximated = kept.accuracyApproximated;
    this.#accuracy = kept.accuracy;
    this.#elapsedMs = kept.elapsedMs;
    this.#adam.steps = kept.adamSteps;
    this.#average.steps = kept.averageSteps;
    for (const [name, values] of this.#kept().arrays) values.set(arrays.get(name)!);
    for (const parameter of this.#parameters) parameter.write();
    for (const activation of this.#trainer.activations.slice(0, this.#begun)) this.#bound(activation);
    // The next stage may begin before the next step, with what the last one left.
    this.#setShares(this.#step - 1);
  }

  async run(): Promise<StagedNetwork> {
    const { signal, onProgress, keep } = this.#options;
    const { activations } = this.#trainer;
    const batches = Math.floor(this.#training.chosen.length / this.#batch);
    const labels = new Uint8Array(this.#batch);
    const answers = new Float32Array(this.#batch * this.#teacher.classes);
    if (this.#options.from === undefined) this.#tryAll();
    else onProgress?.({ step: 'resumed', done: this.#step / this.#steps });
    const temperature = this.#temperature();
    let epoch = -1;
    let order: Uint32Array = new Uint32Array();
    let keptAt = performance.now();
    while (this.#step < this.#steps) {
      if (signal?.aborted || performance.now() - keptAt > KEPT_EVERY_MS) {
        await keep?.(this.#kept());
        keptAt = performance.now();
        signal?.throwIfAborted();
      }
      if (this.#begun < activations.length && this.#step === this.#begun * this.#stage) {
        this.#endStage();
        this.#beginStage();
        onProgress?.({ step: 'approximated', layer: this.#layers.at(-1)! });
      } else if (this.#step === activations.length * this.#stage) this.#endStage();
      this.#setShares(this.#step);
      const now = Math.floor(this.#step / batches);
      if (now !== epoch) {
        order = this.#orderOf(now);
        epoch = now;
      }
      const loss = this.#learn(order, labels, answers, temperature);
      this.#step++;
      if (this.#step > activations.length * this.#stage) this.#average.add(this.#state);
      const stage = Math.min(activations.length, Math.ceil(this.#step / this.#stage));
      onProgress?.({
        step: 'fine-tuning',
        done: this.#step / this.#steps,
        loss,
        replaced: stage,
        of: activations.length,
      });
      // Lets timers, signals and progress output run.
      await setImmediate();
    }
    return this.#result();
  }

  /** By the given network's answers to the same pictures in every run. */
  #temperature(): number {
    const chosen = spread(this.#training.chosen.length, this.#batch);
    const pictures = new Float32Array(chosen.length * this.#size);
    chosen.forEach((picture, n) => {
      pictures.set(pictureOf(this.#training, picture), n * this.#size);
    });
    const answers = new Float32Array(chosen.length * this.#teacher.classes);
    this.#teacher.answer(pictures, chosen, answers);
    return temperatureOf(answers);
  }

  #result(): StagedNetwork {
    const trainer = this.#trainer;
    const numbers = this.#parameters.length;
    this.#average.values.forEach((values, i) => {
      if (i < numbers) this.#parameters[i]!.write(values);
      else trainer.statistics[i - numbers]!.values.set(values);
    });
    this.#endStage();
    const coefficients = new Set(trainer.activations.map(({ node }) => node.outputs[0]!));
    const trained = trainer.parameters.filter(({ name }) => !coefficients.has(name));
    let graph = withParameters(this.#normalized.graph, [...trained, ...trainer.statistics]);
    for (const activation of trainer.activations) {
      activation.constrain();
      const polynomials = Array.from({ length: activation.maps }, (_, map) => activation.powers(map));
      const { node, input } = activation;
      graph = replaceNode(
        graph,
        node.outputs[0]!,
        absorbMapQuadratics(node, polynomials, input.shape.length),
      );
    }
    const result = simplifyGraph(graph);
    for (const { data } of result.initializers.values()) {
      if (!data.every(Number.isFinite)) {
        throw new NetworkError(
          'NETWORK_TRAINING',
          'a weight is no number after the last step; lower the learning rate',
        );
      }
    }
    return { graph: result, layers: this.#layers, accuracyApproximated: this.#accuracyApproximated };
  }
}

/** Whether the given network answers mirrored pictures nearly as well. */
function knowsMirrored(teacher: TaughtAnswers, measured: Dataset): boolean {
  const size = pictureValues(measured.picture);
  const { classes } = measured;
  const accuracy = (pictures: Float32Array, first: number): number => {
    const logits = new Float32Array(classes.length * teacher.classes);
    teacher.answer(
      pictures,
      [...classes.keys()].map((n) => first + n),
      logits,
    );
    return accuracyOf(logits, classes);
  };
  const mirrored = measured.pictures.slice();
  for (let at = 0; at < mirrored.length; at += size)
    mirrorPicture(mirrored.subarray(at, at + size), measured.picture);
  return accuracy(mirrored, classes.length) >= accuracy(measured.pictures, 0) - MIRROR_LOSS;
}

/**
 * Replaces every activation of a network by quadratics, one for each of its maps, first to last and gradually, and trains in between: each is
 * fitted on what reaches it once all before it are replaced and trained, and fades in while the rest of the network still answers as given.
 * Convolutions are normalized by the batch meanwhile. What is learned is the given network's own answers (Hinton, Vinyals, Dean 2015) and the labels.
 *
 * The same network, pictures, options and seed give the same result, also if the training was interrupted and went on from what it kept.
 *
 * @param given simplified, without maxima.
 * @param teacher the network whose answers are learned.
 * @param training labelled pictures, prepared as the graph takes them; memory holds one batch of them on their way through the network.
 * @param measured labelled pictures that are not trained on.
 * @throws NetworkError NETWORK_OPERATOR for a node that cannot be trained; NETWORK_TRAINING if the loss or a weight stops being a number;
 * NETWORK_SHAPE if the pictures do not fit; NETWORK_TOO_LARGE if not even one picture fits into memory; the signal's reason.
 */
export async function replaceInStages(
  {
    given,
    teacher,
    training,
    measured,
  }: {
    readonly given: Graph;
    readonly teacher: Graph;
    readonly training: DatasetPart;
    readonly measured: Dataset;
  },
  options: StageOptions,
): Promise<StagedNetwork> {
  const normalized = insertNormalization(given);
  const count = training.chosen.length;
  const { trainer, batch } = await layOutTrainer(
    normalized.graph,
    Math.max(1, Math.min(options.batch, count)),
    {
      changing: true,
    },
  );
  const size = pictureValues(training.whole.picture);
  if (trainer.pictures.length !== batch * size) {
    throw new NetworkError(
      'NETWORK_SHAPE',
      `pictures of ${size} values, but the network takes ${trainer.pictures.length / batch}`,
    );
  }
  const simple = simplifyGraph(teacher);
  const mirrors = knowsMirrored(await TaughtAnswers.create(simple, 2 * measured.classes.length), measured);
  const taught = await TaughtAnswers.create(simple, (mirrors ? 2 : 1) * count);
  const parts = { normalized, trainer, batch, teacher: taught, mirrors, training, measured };
  return new StagedTraining(parts, options).run();
}
