import { setImmediate } from 'node:timers/promises';
import type { Program } from '#fhe';
import { interpretSlots } from '#fhe/secret';
import { compileNetwork } from '#network/compiler/compile.ts';
import { interpretationError } from '#network/compiler/interpretation-error.ts';
import { calibrateSteps } from '#network/compiler/lowering/calibrate-steps.ts';
import { lowerSteps } from '#network/compiler/lowering/lower-steps.ts';
import { runSteps } from '#network/compiler/lowering/run-steps.ts';
import { pictureValues } from '#network/model/dataset.ts';
import type { NamedNetwork } from '#network/model/description/load-network.ts';
import type { Graph } from '#network/model/graph.ts';
import type { MapDataset } from '#network/training/maps/map-dataset.ts';
import { samePoints } from '#network/training/maps/same-points.ts';
import { type PointScore, scorePoints } from '#network/training/maps/score-points.ts';
import { decodeMap, type MapDecoding, type MapPoint } from '#vision/decode-map.ts';
import { treatmentOf } from '#vision/picture-format.ts';
import { type EngineKind, openAnswerer } from './answerer.ts';
import { quantile } from './quantile.ts';

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

/** How a protected map answers, compared with the same network in the clear and with what is there. */
export type MapEvaluation = {
  readonly engine: EngineKind;
  /** Of the program that was run. A point is where the peak is, finer than a cell. */
  readonly score: PointScore;
  /** Likewise, with points in the middle of their cells: as they leave a decryptor. */
  readonly released: PointScore;
  readonly clear: PointScore;
  /** Share of the pictures with the same answer as in the clear: as many points, each at most a cell away. */
  readonly agreement: number;
  /** Largest |encrypted − clear| of any output in any copy. */
  readonly worstLogitError: number;
  /** Largest |output| in the clear, to judge the error by. */
  readonly largestLogit: number;
  /** Answers that the decryptor would withhold: no point is found, and they disagree. */
  readonly withheld: number;
  /** The gateway's part of a picture: encryption and evaluation. */
  readonly latencyMs: { readonly median: number; readonly p95: number };
  readonly ringDegree: number;
  readonly logQP: number;
  /** Null where nothing is encrypted. */
  readonly bundleBytes: number | null;
  readonly program: Program;
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
  const size = pictureValues(dataset.picture);
  const steps = lowerSteps(graph);
  const frames = places.length;
  const answers: MapPictureAnswer[] = [];
  const report = (step: MapProgress['step']): void =>
    request.onProgress?.({ step, done: answers.length, frames });
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
  const { interpretation } = compiled;
  const latencies: number[] = [];
  let [agreeing, withheld, worstLogitError, largestLogit] = [0, 0, 0, 0];
  const answerer = await openAnswerer(compiled, engine);
  try {
    // A warm-up frame, not counted: code gets compiled and caches fill.
    await answerer.answer(pictures.subarray(0, size));
    signal?.throwIfAborted();
    while (answers.length < frames && !signal?.aborted) {
      await request.beforeFrame?.(compiled.program);
      const picture = pictures.subarray(answers.length * size, (answers.length + 1) * size);
      const outputs = runSteps(steps, picture);
      const clear = decodeMap(outputs, decoding).points;
      const { slots, latencyMs } = await answerer.answer(picture);
      latencies.push(latencyMs);
      worstLogitError = Math.max(
        worstLogitError,
        interpretationError(slots, interpretation, outputs).logitError,
      );
      for (const output of outputs) largestLogit = Math.max(largestLogit, Math.abs(output));
      const answer = interpretSlots(slots, interpretation, {
        round: (values) => decodeMap(values, decoding).points,
      });
      const points = answer.ok ? answer.answers[0]! : [];
      if (!answer.ok) withheld++;
      else if (samePoints(points, clear)) agreeing++;
      answers.push({ points, clear, outputs });
      report('measuring');
      await setImmediate();
    }
  } finally {
    await answerer.close();
  }
  const scoreOf = (points: (answer: MapPictureAnswer) => readonly MapPoint[]): PointScore =>
    scorePoints(
      answers.map((answer, n) => ({ points: points(answer), places: places[n]! })),
      labels.length,
    );
  const { ringDegree, logQP } = compiled.report;
  const measured = Float64Array.from(latencies);
  return {
    engine,
    score: scoreOf(({ points }) => points),
    released: scoreOf(({ points }) => inCells(points, decoding)),
    clear: scoreOf(({ clear }) => clear),
    agreement: agreeing / answers.length,
    ...{ worstLogitError, largestLogit, withheld },
    latencyMs: { median: quantile(measured, 0.5), p95: quantile(measured, 0.95) },
    ...{ ringDegree, logQP, bundleBytes: answerer.bundleBytes },
    program: compiled.program,
    answers,
  };
}
