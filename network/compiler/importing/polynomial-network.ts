import { NetworkError } from '#network/errors.ts';
import { type Dataset, pictureValues, selectPictures } from '#network/model/dataset.ts';
import type { Graph } from '#network/model/graph.ts';
import { ACTIVATIONS } from '#network/model/operators/elementwise.ts';
import { runGraph } from '#network/model/run/run.ts';
import { type ActivationReport, approximateActivations } from '../rewrite/approximate-activations.ts';

/** A network that can be encrypted, and the pictures left to measure it on. */
export type PolynomialNetwork = {
  readonly graph: Graph;
  /** Without the pictures that calibration took. */
  readonly dataset: Dataset;
  /** Pictures that ranges may be calibrated on; none if nothing was approximated. */
  readonly calibration?: Float32Array;
  /** What became of each activation; empty if the network was already polynomial. */
  readonly layers: readonly ActivationReport[];
};

/** Maximum number of pictures set aside for calibration; and maximum share of all. */
const SET_ASIDE = 500;
const SET_ASIDE_SHARE = 0.2;
/** Pictures of a given calibration set that are used. */
const MOST_CALIBRATION = 1000;
/** The degree that a gateway evaluates at the cost of one level. */
const DEGREE = 2;
const METHODS = ['least-squares', 'chebyshev', 'minimax', 'square'] as const;

/** Whether a network has activations or maxima that cannot be computed on encrypted values. */
export function needsApproximation(graph: Graph): boolean {
  return graph.nodes.some(({ operator }) => operator === 'MaxPool' || operator in ACTIVATIONS);
}

/** Unlabelled pictures, labelled with the network's own answers: approximation should change none of them. */
function answeredBy(graph: Graph, pictures: Float32Array, like: Dataset): Dataset {
  const size = pictureValues(like.picture);
  const count = Math.min(MOST_CALIBRATION, Math.floor(pictures.length / size));
  const used = pictures.subarray(0, count * size);
  const logits = runGraph(graph, used);
  const outputs = logits.length / count;
  const classes = Uint8Array.from({ length: count }, (_, n) => {
    const row = logits.subarray(n * outputs, (n + 1) * outputs);
    return row.indexOf(Math.max(...row));
  });
  return { ...like, pictures: used, classes };
}

/**
 * Approximates everything in a network that is not polynomial, calibrated on the given pictures or, without any, on the last ones of the
 * dataset, which are then excluded from the measurement.
 *
 * @param graph takes pictures as the dataset has them.
 * @throws NetworkError NETWORK_DATA if the dataset is too small to set pictures aside; as `approximateActivations`.
 */
export async function makePolynomial(
  graph: Graph,
  dataset: Dataset,
  calibration: Float32Array | undefined,
  options: { readonly signal?: AbortSignal; readonly onProgress?: (report: ActivationReport) => void },
): Promise<PolynomialNetwork> {
  if (!needsApproximation(graph)) {
    return { graph, dataset, ...(calibration && { calibration }), layers: [] };
  }
  const count = dataset.classes.length;
  const aside = calibration === undefined ? Math.min(SET_ASIDE, Math.floor(SET_ASIDE_SHARE * count)) : 0;
  if (calibration === undefined && aside < 2) {
    throw new NetworkError(
      'NETWORK_DATA',
      `${count} pictures are too few to set some aside for approximation; give others with --calibrate`,
    );
  }
  const indices = [...dataset.classes.keys()];
  const given =
    calibration === undefined
      ? selectPictures(dataset, indices.slice(count - aside))
      : answeredBy(graph, calibration, dataset);
  const { graph: polynomial, layers } = await approximateActivations(graph, given, {
    degree: DEGREE,
    methods: METHODS,
    ...options,
  });
  return {
    graph: polynomial,
    dataset: aside === 0 ? dataset : selectPictures(dataset, indices.slice(0, count - aside)),
    calibration: given.pictures,
    layers,
  };
}
