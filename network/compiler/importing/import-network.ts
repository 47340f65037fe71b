import { NetworkError } from '#network/errors.ts';
import { rateText } from '#network/model/confusion.ts';
import { type Dataset, type DatasetPart, selectPictures } from '#network/model/dataset.ts';
import type { Graph } from '#network/model/graph.ts';
import { ACTIVATIONS } from '#network/model/operators/elementwise.ts';
import { answerPictures } from '#network/model/run/answer-pictures.ts';
import { shareText } from '#network/model/share-text.ts';
import { METHODS, type Method } from '../approximation/approximate.ts';
import { calibrateOrdinary } from '../lowering/calibrate-ordinary.ts';
import { lowerSteps } from '../lowering/lower-steps.ts';
import { type ActivationReport, approximateActivations } from '../rewrite/approximate-activations.ts';
import { dropEnding } from '../rewrite/drop-ending.ts';
import { ImportRefused } from './import-refused.ts';
import type { ImportedNetwork } from './imported-network.ts';

/** How to prepare a network for protection. */
export type ImportOptions = {
  /** Labelled pictures, prepared as the graph takes them. They must not include pictures that accuracy is claimed on. */
  readonly calibration: Dataset;
  /** Degree of the polynomials; default 2, which takes one level. Degree d > 2 takes ⌈log2 d⌉ + 1. */
  readonly degree?: number;
  /** Candidates; default all. */
  readonly methods?: readonly Method[];
  /** Largest accepted loss of accuracy, as a share; default 0.01. */
  readonly tolerance?: number;
  /** Trains with the polynomials in place. */
  readonly fineTune?: FineTuner;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: ImportProgress) => void;
};

/** What fine-tuning replaces and trains. */
export type StagedWork = {
  /** Its activations are replaced; simplified, without maxima. */
  readonly given: Graph;
  /** The network as it was given: its answers are learned. */
  readonly teacher: Graph;
  readonly training: DatasetPart;
  /** Labelled pictures that accuracy is measured on, stage by stage. */
  readonly measured: Dataset;
};

/** Trains networks on labelled pictures (training's `fineTuner`): the compiler does not know the trainer. */
export type FineTuner = {
  /** Trains a network with its polynomials in place. */
  readonly tune: (
    graph: Graph,
    training: DatasetPart,
    options: Pick<ImportOptions, 'signal' | 'onProgress'>,
  ) => Promise<Graph>;
  /** Replaces activations by quadratics, one after the other, and trains in between. */
  readonly replace: (
    work: StagedWork,
    options: Pick<ImportOptions, 'signal' | 'onProgress'>,
  ) => Promise<Pick<ImportedNetwork, 'graph' | 'layers' | 'accuracyApproximated'>>;
};

/** The current activity of fine-tuning. */
export type FineTuneProgress =
  | { readonly step: 'approximated'; readonly layer: ActivationReport }
  | {
      readonly step: 'fine-tuning';
      readonly done: number;
      readonly loss: number;
      /** How many activations are replaced, the one that changes just now included, if they are one after the other. */
      readonly replaced?: number;
      readonly of?: number;
    }
  | { readonly step: 'resumed'; readonly done: number }
  | { readonly step: 'slower'; readonly learningRate: number };

/** The current activity. */
export type ImportProgress =
  | FineTuneProgress
  | { readonly step: 'measuring' | 'calibrating'; readonly done: number };

/** Pictures that each candidate polynomial is measured on. */
const MEASURED = 200;
/** One picture in this many is held out for measuring, at most so many. */
const HELD_OUT = 5;
/** Pictures of those held out that each stage is measured on. */
const MEASURED_IN_STAGES = 500;
const MOST_HELD_OUT = 2000;
/** Pictures that ranges are calibrated on, at most, evenly spread. */
const MOST_CALIBRATION = 5000;
const DEFAULT_TOLERANCE = 0.01;

/** Share of right answers; yields to the event loop in between. */
async function accuracyOn(
  graph: Graph,
  dataset: Dataset,
  { signal, onProgress }: Pick<ImportOptions, 'signal' | 'onProgress'>,
): Promise<number> {
  const { accuracy } = await answerPictures(graph, dataset, {
    ...(signal && { signal }),
    onProgress: (done) => onProgress?.({ step: 'measuring', done: done / dataset.classes.length }),
  });
  signal?.throwIfAborted();
  return accuracy;
}

/** At most so many indices, evenly spread. */
function evenly(count: number, most: number): number[] {
  const stride = Math.ceil(count / most);
  return Array.from({ length: Math.ceil(count / stride) }, (_, i) => i * stride);
}

/** Pictures for calibration, evenly spread. */
function calibrationPart(dataset: Dataset): Float32Array {
  return selectPictures(dataset, evenly(dataset.classes.length, MOST_CALIBRATION)).pictures;
}

/** The network and its pictures. */
type Parts = {
  readonly given: Graph;
  readonly training: DatasetPart;
  readonly heldOut: Dataset;
  readonly measured: Dataset;
};

/** A network without activations, and how it became one. */
type Replaced = Pick<ImportedNetwork, 'graph' | 'layers' | 'accuracyApproximated'>;

/** Replaces everything, then trains, if asked to. */
async function replaceAtOnce(parts: Parts, options: ImportOptions): Promise<Replaced> {
  const { given, training, heldOut, measured } = parts;
  const { degree = 2, signal, onProgress, fineTune } = options;
  const approximated = await approximateActivations(given, measured, {
    degree,
    methods: options.methods ?? (Object.keys(METHODS) as Method[]),
    ...(signal && { signal }),
    onProgress: (layer) => onProgress?.({ step: 'approximated', layer }),
  });
  const { layers } = approximated;
  const accuracyApproximated = await accuracyOn(approximated.graph, heldOut, options);
  if (fineTune === undefined || layers.length === 0)
    return { graph: approximated.graph, layers, accuracyApproximated };
  const graph = await fineTune.tune(approximated.graph, training, options);
  return { graph, layers, accuracyApproximated };
}

/** Replaces maxima, and then activations one after the other, and trains in between. */
async function replaceInStages(parts: Parts, options: ImportOptions): Promise<Replaced> {
  const { given, training, heldOut, measured } = parts;
  const { signal, onProgress, fineTune } = options;
  const { graph, layers } = await approximateActivations(given, measured, {
    degree: 2,
    methods: [],
    maximaOnly: true,
    ...(signal && { signal }),
    onProgress: (layer) => onProgress?.({ step: 'approximated', layer }),
  });
  const activations = graph.nodes.some(({ operator }) => operator in ACTIVATIONS);
  if (!activations) {
    const accuracyApproximated = await accuracyOn(graph, heldOut, options);
    const tuned = layers.length === 0 ? graph : await fineTune!.tune(graph, training, options);
    return { graph: tuned, layers, accuracyApproximated };
  }
  const few = selectPictures(heldOut, evenly(heldOut.classes.length, MEASURED_IN_STAGES));
  const work = { given: graph, teacher: given, training, measured: few };
  const replaced = await fineTune!.replace(work, options);
  return { ...replaced, layers: [...layers, ...replaced.layers] };
}

/**
 * Prepares a network for protection: folds constants, replaces maxima and activations by what can be encrypted, fine-tunes if requested,
 * calibrates ranges.
 *
 * @throws ImportRefused (NETWORK_ACCURACY) if accuracy falls by more than the tolerance: the message says by how much, and what to do;
 * NetworkError NETWORK_DATA if there are too few pictures, and those of
 * {@link approximateActivations} and of fine-tuning; the signal's reason.
 */
export async function importNetwork(whole: Graph, options: ImportOptions): Promise<ImportedNetwork> {
  const { calibration, tolerance = DEFAULT_TOLERANCE, degree = 2, signal, onProgress } = options;
  const count = calibration.classes.length;
  if (count < 2 * HELD_OUT) {
    throw new NetworkError(
      'NETWORK_DATA',
      `${count} calibration pictures: at least ${2 * HELD_OUT} are needed`,
    );
  }
  const { graph: given, ending } = dropEnding(whole, { sigmoid: true });
  const every = Math.max(HELD_OUT, Math.ceil(count / MOST_HELD_OUT));
  const indices = Uint32Array.from(calibration.classes.keys());
  const training = { whole: calibration, chosen: indices.filter((i) => i % every !== 0) };
  const heldOut = selectPictures(
    calibration,
    indices.filter((i) => i % every === 0),
  );
  const measured = selectPictures(calibration, training.chosen.subarray(0, MEASURED));
  const accuracyBefore = await accuracyOn(given, heldOut, options);
  const parts = { given, training, heldOut, measured };
  const staged = options.fineTune !== undefined && degree === 2 && options.methods === undefined;
  const { graph, layers, accuracyApproximated } = staged
    ? await replaceInStages(parts, options)
    : await replaceAtOnce(parts, options);
  const accuracyAfter = await accuracyOn(graph, heldOut, options);
  const { ranges, leftOut } = await calibrateOrdinary(lowerSteps(graph), calibrationPart(calibration), {
    ...(signal && { signal }),
    onProgress: (done) => onProgress?.({ step: 'calibrating', done }),
  });
  const imported = {
    ...{ graph, layers, ending: ending?.operator ?? null, ranges, leftOut, heldOut: heldOut.classes.length },
    ...{ accuracyBefore, accuracyApproximated, accuracyAfter },
  };
  if (accuracyBefore - accuracyAfter > tolerance) {
    const rate = (share: number): string => rateText(share, imported.heldOut);
    const advice =
      options.fineTune === undefined ? 'fine-tune it (--fine-tune)' : 'fine-tune longer, on more pictures';
    throw new ImportRefused(
      `accuracy on held-out pictures falls from ${rate(accuracyBefore)} to ${rate(accuracyAfter)}, more than the tolerance of ${shareText(tolerance)}: ${advice}, or accept it (--tolerance)`,
      imported,
    );
  }
  return imported;
}
