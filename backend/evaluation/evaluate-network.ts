import type { MemoryUse, Program } from '#fhe';
import { interpretSlots } from '#fhe/secret';
import { compileNetwork } from '#network/compiler/compile.ts';
import type { CompiledNetwork } from '#network/compiler/compiled-network.ts';
import { interpretationError } from '#network/compiler/interpretation-error.ts';
import { calibrateOrdinary } from '#network/compiler/lowering/calibrate-ordinary.ts';
import { lowerSteps } from '#network/compiler/lowering/lower-steps.ts';
import { runSteps } from '#network/compiler/lowering/run-steps.ts';
import { registerSizes, type StepNetwork } from '#network/compiler/lowering/steps.ts';
import { NetworkError } from '#network/errors.ts';
import type { CalibratedRanges } from '#network/model/calibrated-ranges.ts';
import type { Confusion } from '#network/model/confusion.ts';
import { type Dataset, pictureValues } from '#network/model/dataset.ts';
import type { Graph } from '#network/model/graph.ts';
import { runGraph } from '#network/model/run/run.ts';
import { type EngineKind, openAnswerer } from './answerer.ts';
import { quantile } from './quantile.ts';

/** What is measured, and how. */
export type EvaluationRequest = {
  readonly name: string;
  /** Takes pictures as they are in the dataset (see `adaptPictureInput`). */
  readonly graph: Graph;
  /** The network before its activations were approximated; `graph` where nothing was. */
  readonly original?: Graph;
  /** One for each logit; `0`, `1`, … by default. */
  readonly labels?: readonly string[];
  readonly dataset: Dataset;
  /** Calibrated ranges; by default measured on `calibration`. */
  readonly ranges?: CalibratedRanges;
  /** Pictures, one after the other, for calibration; by default those of the dataset: labels are not used. */
  readonly calibration?: Float32Array;
  readonly engine: EngineKind;
  /** Pictures that one ciphertext answers, a power of two; 1 by default. */
  readonly regions?: number;
  /** Most memory of the engine in bytes; what does not fit is read from disk for every picture. WebAssembly's 4 GiB by default. */
  readonly memoryBytes?: number;
  /** Where what does not fit lies; everything must fit where left out. */
  readonly folder?: string;
  /** Ends the measurement; the result is what was measured until then. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: EvaluationProgress) => void;
  /** Called and awaited before every ciphertext. */
  readonly beforeFrame?: (program: Program) => Promise<void>;
};

/** Progress of an evaluation. */
export type EvaluationProgress = {
  /** `loading` goes on until a first picture, which is not counted, is answered. */
  readonly step: 'compiling' | 'encrypting' | 'loading' | 'measuring';
  /** Of a step, how much is done; where it is known. */
  readonly share?: number;
  readonly done: number;
  readonly images: number;
  readonly clearAccuracy: number;
  readonly polynomialAccuracy: number;
  readonly encryptedAccuracy: number;
};

/** How a protected network answers, compared with the same network in the clear. */
export type Evaluation = {
  readonly images: number;
  readonly engine: EngineKind;
  /** Whether the network as given differs from the polynomial that is evaluated. */
  readonly approximated: boolean;
  /** Shares of right answers, 0 to 1: of the network as given, of its polynomial in the clear, and of the program that the engine runs. */
  readonly clearAccuracy: number;
  readonly polynomialAccuracy: number;
  readonly encryptedAccuracy: number;
  /** Share of pictures on which the program and the clear polynomial give the same label. */
  readonly agreement: number;
  /** Largest |encrypted − clear| of any logit in any copy. */
  readonly worstLogitError: number;
  /** Largest |logit| of the polynomial in the clear, to judge the error by. */
  readonly largestLogit: number;
  /** Answers that the decryptor would withhold; they count as wrong and as disagreeing. */
  readonly withheld: number;
  /** Calibration pictures that are far outside of what all others are: answers about pictures like these are withheld. */
  readonly leftOut: number;
  /** Pictures in one ciphertext. */
  readonly regions: number;
  /** The gateway's part of a ciphertext with all its pictures: encryption and evaluation. */
  readonly latencyMs: { readonly median: number; readonly p95: number };
  readonly ringDegree: number;
  readonly logQP: number;
  /** Null where nothing is encrypted. */
  readonly bundleBytes: number | null;
  /** How the engine used its memory; null for other ones. */
  readonly memory: MemoryUse | null;
  /** What ran. */
  readonly program: Program;
  /** Encrypted answers, counts[truth][answer]; withheld ones are not counted. */
  readonly confusion: Confusion;
  readonly labels: readonly string[];
};

/** Most pictures that ranges are measured on, evenly spread over all. */
const CALIBRATION_PICTURES = 2000;

function largest(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}

/** Pictures at even distances, at most {@link CALIBRATION_PICTURES} of them. */
function thinned(pictures: Float32Array, size: number): Float32Array {
  const count = Math.floor(pictures.length / size);
  const stride = Math.ceil(count / CALIBRATION_PICTURES);
  if (stride <= 1) return pictures;
  const used = new Float32Array(Math.ceil(count / stride) * size);
  for (let n = 0; n * stride < count; n++)
    used.set(pictures.subarray(n * stride * size, (n * stride + 1) * size), n * size);
  return used;
}

async function compile(
  request: EvaluationRequest,
  network: StepNetwork,
): Promise<{ readonly compiled: CompiledNetwork; readonly leftOut: number }> {
  const { dataset, graph, name } = request;
  const size = pictureValues(dataset.picture);
  const sizes = registerSizes(network);
  if (sizes[0] !== size) {
    throw new NetworkError('NETWORK_SHAPE', `the network takes ${sizes[0]} values, a picture has ${size}`);
  }
  const classes = sizes.at(-1)!;
  if (classes < dataset.labels.length) {
    throw new NetworkError('NETWORK_DATA', `${classes} outputs for ${dataset.labels.length} classes`);
  }
  const pictures = thinned(request.calibration ?? dataset.pictures, size);
  const { ranges, leftOut } =
    request.ranges === undefined
      ? await calibrateOrdinary(network, pictures, { ...(request.signal && { signal: request.signal }) })
      : { ranges: request.ranges, leftOut: 0 };
  const compiled = compileNetwork(graph, {
    name,
    labels: request.labels ?? Array.from({ length: classes }, (_, i) => String(i)),
    activationRanges: ranges.activations,
    logitRange: ranges.logits,
    ...(request.regions !== undefined && { regions: request.regions }),
  });
  return { compiled, leftOut };
}

/**
 * Protects a network in memory, answers every picture of a dataset with it, and compares with the clear network and the labels.
 *
 * @throws NetworkError where network and dataset do not fit together or the compiler refuses; the signal's reason
 * before the first picture is measured.
 */
export async function evaluateNetwork(request: EvaluationRequest): Promise<Evaluation> {
  const { dataset, signal, engine, original, memoryBytes, folder, regions = 1 } = request;
  const images = dataset.classes.length;
  const size = pictureValues(dataset.picture);
  const network = lowerSteps(request.graph);
  let [originalHits, polynomialHits, hits, done] = [0, 0, 0, 0];
  const report = (step: EvaluationProgress['step'], stepShare?: number): void => {
    const share = (count: number): number => (done === 0 ? 0 : count / done);
    request.onProgress?.({
      step,
      ...(stepShare !== undefined && { share: stepShare }),
      done,
      images,
      clearAccuracy: share(original ? originalHits : polynomialHits),
      polynomialAccuracy: share(polynomialHits),
      encryptedAccuracy: share(hits),
    });
  };
  report('compiling');
  const { compiled, leftOut } = await compile(request, network);
  if (engine !== 'clear') report('encrypting');
  const classes = compiled.interpretation.labels.length;
  const confusion = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  const latencies: number[] = [];
  let agreeing = 0;
  let withheld = 0;
  let worstLogitError = 0;
  let largestLogit = 0;
  const onProgress = (share: number): void => (share < 1 ? report('encrypting', share) : report('loading'));
  const answerer = await openAnswerer(compiled, engine, { memoryBytes, folder, signal, onProgress });
  try {
    const pictureOf = (n: number): Float32Array => dataset.pictures.subarray(n * size, (n + 1) * size);
    const group = new Float32Array(regions * size);
    const clear = new Float64Array(regions * classes);
    // Unused places of the last ciphertext repeat the last picture.
    const fillGroup = (first: number): void => {
      for (let region = 0; region < regions; region++)
        group.set(pictureOf(Math.min(first + region, images - 1)), region * size);
    };
    fillGroup(0);
    // A warm-up frame, not counted: code gets compiled and caches fill.
    await answerer.answer(group);
    for (; done < images; report('measuring', done / images)) {
      if (done === 0) signal?.throwIfAborted();
      if (signal?.aborted) break;
      await request.beforeFrame?.(compiled.program);
      fillGroup(done);
      for (let region = 0; region < regions; region++)
        clear.set(runSteps(network, group.subarray(region * size, (region + 1) * size)), region * classes);
      const { slots, latencyMs } = await answerer.answer(group);
      latencies.push(latencyMs);
      const { logits, logitError } = interpretationError(slots, compiled.interpretation, clear);
      worstLogitError = Math.max(worstLogitError, logitError);
      const { ok } = interpretSlots(slots, compiled.interpretation);
      for (let region = 0; region < regions && done < images; region++, done++) {
        const own = (all: Float64Array): Float64Array =>
          all.subarray(region * classes, (region + 1) * classes);
        const truth = dataset.classes[done]!;
        const expected = largest(own(clear));
        const answer = largest(own(logits));
        largestLogit = Math.max(largestLogit, ...own(clear).map(Math.abs));
        if (expected === truth) polynomialHits++;
        if (original !== undefined && largest(runGraph(original, pictureOf(done))) === truth) originalHits++;
        if (!ok) {
          withheld++;
          continue;
        }
        confusion[truth]![answer]!++;
        if (answer === truth) hits++;
        if (answer === expected) agreeing++;
      }
    }
  } finally {
    await answerer.close();
  }
  const { ringDegree, logQP } = compiled.report;
  const measured = Float64Array.from(latencies);
  return {
    images: done,
    engine,
    approximated: original !== undefined,
    clearAccuracy: (original ? originalHits : polynomialHits) / done,
    polynomialAccuracy: polynomialHits / done,
    encryptedAccuracy: hits / done,
    agreement: agreeing / done,
    worstLogitError,
    largestLogit,
    ...{ withheld, leftOut, regions },
    latencyMs: { median: quantile(measured, 0.5), p95: quantile(measured, 0.95) },
    ringDegree,
    logQP,
    bundleBytes: answerer.bundleBytes,
    memory: answerer.memory,
    program: compiled.program,
    confusion,
    labels: compiled.interpretation.labels,
  };
}
