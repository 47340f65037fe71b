import type { Program } from '#fhe';
import { compileNetwork } from '#network/compiler/compile.ts';
import { calibrateSteps } from '#network/compiler/lowering/calibrate-steps.ts';
import { lowerSteps } from '#network/compiler/lowering/lower-steps.ts';
import type { NamedNetwork } from '#network/model/description/load-network.ts';
import type { Graph } from '#network/model/graph.ts';
import type { MapDataset } from '#network/training/maps/map-dataset.ts';
import { samePoints } from '#network/training/maps/same-points.ts';
import { type PointScore, scorePoints } from '#network/training/maps/score-points.ts';
import { decodeMap, type MapDecoding, type MapPoint } from '#vision/decode-map.ts';
import { treatmentOf } from '#vision/picture-format.ts';
import { type AnswerFigures, answerFrames } from './answer-frames.ts';
import type { EngineKind } from './answerer.ts';

/** What is measured, and how. */
export type MapEvaluationRequest = {
  /** Its ranges are those of training; where it has none, they are measured on the pictures. */
  readonly network: Pick<NamedNetwork, 'name' | 'ranges' | 'decoding' | 'light' | 'motion'>;
  /** Takes pictures as they are in the dataset, and is polynomial. */
  readonly graph: Graph;
  readonly decoding: MapDecoding;
  /** Pictures with their light prepared. */
  readonly dataset: MapDataset;
  readonly engine: EngineKind;
  /** Ends the measurement; the result is what was measured until then. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: MapProgress) => void;
  /** Called and awaited before every ciphertext. */
  readonly beforeFrame?: (program: Program) => Promise<void>;
};

/** Progress of an evaluation. */
export type MapProgress = {
  readonly step: 'compiling' | 'encrypting' | 'measuring';
  readonly done: number;
  readonly frames: number;
};

/** An answer about one picture. */
export type MapPictureAnswer = {
  /** Of the program that was run; none if the answer is withheld. */
  readonly points: readonly MapPoint[];
  /** Of the same network in the clear. */
  readonly clear: readonly MapPoint[];
  /** The network's values in the clear. */
  readonly outputs: Float64Array;
};

/** How a protected map answers, compared with the same network in the clear and with what is there: the same answer has as many points, each at most a cell away. */
export type MapEvaluation = AnswerFigures & {
  readonly engine: EngineKind;
  /** Of the program that was run. A point is where the peak is, finer than a cell. */
  readonly score: PointScore;
  /** Likewise, with points in the middle of their cells: as they leave a decryptor. */
  readonly released: PointScore;
  readonly clear: PointScore;
  readonly answers: readonly MapPictureAnswer[];
};

/** The points in the middle of their cells. */
function inCells(points: readonly MapPoint[], { height, width }: MapDecoding): MapPoint[] {
  return points.map((point) => ({
    ...point,
    x: (point.column + 0.5) / width,
    y: (point.row + 0.5) / height,
  }));
}

/**
 * Protects a map in memory, answers every picture with it, and compares with the clear network and with what is there.
 *
 * @throws NetworkError where network and pictures do not fit together or the compiler refuses; the signal's reason before the first picture
 * is measured.
 */
export async function evaluateMap(request: MapEvaluationRequest): Promise<MapEvaluation> {
  const { network, graph, decoding, dataset, signal, engine } = request;
  const { pictures, places, labels } = dataset;
  const steps = lowerSteps(graph);
  const frames = places.length;
  const report = (step: MapProgress['step'], done = 0): void => request.onProgress?.({ step, done, frames });
  report('compiling');
  const ranges = network.ranges ?? calibrateSteps(steps, pictures);
  const { threshold, smoothing, distance, most, height, width } = decoding;
  const compiled = compileNetwork(graph, {
    ...{ name: network.name, labels, task: 'map', map: { height, width } },
    decoding: { threshold, smoothing, distance, most },
    ...{ activationRanges: ranges.activations, logitRange: ranges.logits },
    picture: treatmentOf(network),
  });
  if (engine !== 'clear') report('encrypting');
  const { answers: answered, ...figures } = await answerFrames<readonly MapPoint[]>({
    ...{ compiled, steps, engine, pictures, frames },
    round: (values) => decodeMap(values, decoding).points,
    isSame: samePoints,
    onAnswer: (done) => report('measuring', done),
    ...(signal && { signal }),
    ...(request.beforeFrame && { beforeFrame: request.beforeFrame }),
  });
  const answers = answered.map(({ answer, ...rest }) => ({ ...rest, points: answer ?? [] }));
  const scoreOf = (points: (answer: MapPictureAnswer) => readonly MapPoint[]): PointScore =>
    scorePoints(
      answers.map((answer, n) => ({ points: points(answer), places: places[n]! })),
      labels.length,
    );
  return {
    engine,
    score: scoreOf(({ points }) => points),
    released: scoreOf(({ points }) => inCells(points, decoding)),
    clear: scoreOf(({ clear }) => clear),
    ...figures,
    answers,
  };
}
