import { makePolynomial, needsApproximation } from '#network/compiler/importing/polynomial-network.ts';
import type { ActivationReport } from '#network/compiler/rewrite/approximate-activations.ts';
import { dropEnding } from '#network/compiler/rewrite/drop-ending.ts';
import { adaptPictureInput, type PixelScaling } from '#network/compiler/rewrite/picture-input.ts';
import { NetworkError } from '#network/errors.ts';
import type { Dataset } from '#network/model/dataset.ts';
import { loadNetwork, type NamedNetwork } from '#network/model/description/load-network.ts';
import type { Graph } from '#network/model/graph.ts';
import { readIdxFile } from '#network/training/datasets/idx.ts';
import { idxPictures } from '#network/training/datasets/idx-pictures.ts';
import {
  firstPictures,
  labelsOf,
  type PictureSource,
  readLabelledPictures,
} from '#network/training/datasets/labelled-pictures.ts';
import { normalizeDataset, normalizePictures } from '#network/training/datasets/normalize-dataset.ts';
import { treatmentOf } from '#vision/picture-format.ts';

/** What is to be measured. */
export type EvaluationRequest = {
  /** A bundled network by name, or an ONNX file. */
  readonly network: string;
  /** `limit` is how many pictures are measured. */
  readonly source: PictureSource;
  /** How pixels were fed to the network in training. */
  readonly scaling: PixelScaling;
  /** IDX file of pictures to measure ranges on; by default the ranges recorded in training. */
  readonly calibrate?: string;
  /** Whether functions that encryption cannot compute become polynomials; else the network stays as given. */
  readonly polynomial: boolean;
};

/** A network and pictures that belong together, ready to be measured. */
export type PreparedEvaluation = {
  readonly name: string;
  /** The network as given, without its ending. */
  readonly original: Graph;
  /** The same with polynomials, if requested. */
  readonly graph: Graph;
  /** Whether `graph` differs from `original`. */
  readonly approximated: boolean;
  readonly labels: readonly string[];
  readonly dataset: Dataset;
  /** Recorded ranges that hold for these pictures. */
  readonly ranges?: NamedNetwork['ranges'];
  readonly calibration?: Float32Array;
};

/** Pictures without classes, of the size that is measured. */
async function readCalibration(
  file: string,
  { picture }: Dataset,
  network: NamedNetwork,
  pad?: number,
): Promise<Float32Array> {
  const given = idxPictures(await readIdxFile(file), file, pad);
  const sizes = [given.picture, picture].map(
    ({ channels, height, width }) => `${channels}×${height}×${width}`,
  );
  if (sizes[0] !== sizes[1]) {
    throw new NetworkError(
      'NETWORK_SHAPE',
      `${file}: pictures of ${sizes[0]}, but those to measure on are ${sizes[1]}`,
    );
  }
  normalizePictures(given.pictures, { ...given.picture, ...treatmentOf(network) });
  return given.pictures;
}

/** Pixels whose light is normalized have no scale left to state. @throws NetworkError NETWORK_DATA. */
function checkScaling({ name, light }: NamedNetwork, scaling: PixelScaling): void {
  if (light === undefined || Object.keys(scaling).length === 0) return;
  throw new NetworkError(
    'NETWORK_DATA',
    `${name} takes pictures whose light is normalized, as its description says: leave out --divide, --mean and --std`,
  );
}

/**
 * Reads a network and labelled pictures, brings the two together, and replaces by polynomials what encryption cannot compute.
 *
 * @param onLayer called for each approximated layer
 * @throws NetworkError where files are not as expected, do not go together, or cannot be approximated; the signal's reason.
 */
export async function prepareEvaluation(
  { network: fileOrName, source, scaling, calibrate, polynomial }: EvaluationRequest,
  { signal, onLayer }: { readonly signal: AbortSignal; readonly onLayer: (layer: ActivationReport) => void },
): Promise<PreparedEvaluation> {
  const network = await loadNetwork(fileOrName);
  const { limit, ...everything } = source;
  // The last pictures calibrate an approximation, so all are read even if the first few are measured.
  const sets = polynomial && calibrate === undefined && needsApproximation(network.graph);
  const classes = source.classes ?? (source.images === undefined ? network.labels : undefined);
  const wanted = { ...(sets ? everything : source), ...(classes && { classes }) };
  const all = normalizeDataset(await readLabelledPictures(network.graph, wanted, signal), network);
  checkScaling(network, scaling);
  // The top class is that of the logits.
  const { graph } = dropEnding(adaptPictureInput(network.graph, all.picture, scaling), { sigmoid: true });
  const labels = labelsOf(graph, all, network.labels ?? source.classes, source.images === undefined);
  const { name } = network;
  if (!polynomial) {
    return { name, original: graph, graph, approximated: false, labels, dataset: firstPictures(all, limit) };
  }
  const given =
    calibrate === undefined ? undefined : await readCalibration(calibrate, all, network, source.pad);
  const made = await makePolynomial(graph, all, given, { signal, onProgress: onLayer });
  // Recorded ranges hold for the pictures that the network was trained on, in that scaling.
  const ranges =
    made.calibration === undefined && Object.keys(scaling).length === 0 ? network.ranges : undefined;
  return {
    name,
    original: graph,
    graph: made.graph,
    approximated: made.layers.length > 0,
    labels,
    dataset: firstPictures(made.dataset, limit),
    ...(ranges && { ranges }),
    ...(made.calibration && { calibration: made.calibration }),
  };
}
