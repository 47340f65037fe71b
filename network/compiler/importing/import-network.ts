import { NetworkError } from '#network/errors.ts';
import { rateText } from '#network/model/confusion.ts';
import { type Dataset, selectPictures } from '#network/model/dataset.ts';
import type { Graph } from '#network/model/graph.ts';
import { answerPictures } from '#network/model/run/answer-pictures.ts';
import { shareText } from '#network/model/share-text.ts';
import { METHODS, type Method } from '../approximation/approximate.ts';
import { calibrateInTurns } from '../lowering/calibrate-in-turns.ts';
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

/**
 * Trains a network on labelled pictures with its polynomials in place (training's `fineTuner`): the compiler does not know the trainer.
 */
export type FineTuner = (
  graph: Graph,
  training: Dataset,
  options: Pick<ImportOptions, 'signal' | 'onProgress'>,
) => Promise<Graph>;

/** The current activity. */
export type ImportProgress =
  | { readonly step: 'approximated'; readonly layer: ActivationReport }
  | { readonly step: 'fine-tuning'; readonly done: number; readonly loss: number }
  | { readonly step: 'slower'; readonly learningRate: number }
  | { readonly step: 'measuring' | 'calibrating'; readonly done: number };

/** Pictures that each candidate polynomial is measured on. */
const MEASURED = 200;
/** One picture in this many is held out for measuring, at most so many. */
const HELD_OUT = 5;
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

/** Pictures for calibration, evenly spread. */
function calibrationPart(dataset: Dataset): Float32Array {
  const count = dataset.classes.length;
  const stride = Math.ceil(count / MOST_CALIBRATION);
  const chosen = Array.from({ length: Math.ceil(count / stride) }, (_, i) => i * stride);
  return selectPictures(dataset, chosen).pictures;
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
  const indices = [...calibration.classes.keys()];
  const every = Math.max(HELD_OUT, Math.ceil(count / MOST_HELD_OUT));
  const training = selectPictures(
    calibration,
    indices.filter((i) => i % every !== 0),
  );
  const heldOut = selectPictures(
    calibration,
    indices.filter((i) => i % every === 0),
  );
  const measured = selectPictures(training, indices.slice(0, Math.min(MEASURED, training.classes.length)));
  const approximated = await approximateActivations(given, measured, {
    degree,
    methods: options.methods ?? (Object.keys(METHODS) as Method[]),
    ...(signal && { signal }),
    onProgress: (layer) => onProgress?.({ step: 'approximated', layer }),
  });
  const accuracyBefore = await accuracyOn(given, heldOut, options);
  const accuracyApproximated = await accuracyOn(approximated.graph, heldOut, options);
  let graph = approximated.graph;
  if (options.fineTune !== undefined && approximated.layers.length > 0) {
    graph = await options.fineTune(graph, training, options);
  }
  const accuracyAfter =
    graph === approximated.graph ? accuracyApproximated : await accuracyOn(graph, heldOut, options);
  const ranges = await calibrateInTurns(lowerSteps(graph), calibrationPart(calibration), {
    ...(signal && { signal }),
    onProgress: (done) => onProgress?.({ step: 'calibrating', done }),
  });
  const { layers } = approximated;
  const imported = {
    ...{ graph, layers, ending: ending?.operator ?? null, ranges, heldOut: heldOut.classes.length },
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
