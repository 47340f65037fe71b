import type { EngineKind } from '#backend/evaluation/answerer.ts';
import { type EvaluationProgress, evaluateNetwork } from '#backend/evaluation/evaluate-network.ts';
import { evaluationJson, evaluationText } from '#backend/evaluation/report.ts';
import { makePolynomial, needsApproximation } from '#network/compiler/importing/polynomial-network.ts';
import { dropEnding } from '#network/compiler/rewrite/drop-ending.ts';
import { adaptPictureInput, type PixelScaling } from '#network/compiler/rewrite/picture-input.ts';
import { NetworkError } from '#network/errors.ts';
import type { Dataset } from '#network/model/dataset.ts';
import { loadNetwork, type NamedNetwork } from '#network/model/description/load-network.ts';
import { readIdxFile } from '#network/training/datasets/idx.ts';
import { idxPictures } from '#network/training/datasets/idx-pictures.ts';
import { normalizeDataset, normalizePictures } from '#network/training/datasets/normalize-dataset.ts';
import { EXIT } from '#runtime/exit.ts';
import type { EvaluateOptions } from '../commands/evaluate.ts';
import { printJson } from '../print.ts';
import { Progress } from '../progress.ts';
import { stopSignal } from '../stop-signal.ts';
import { evaluateOriginal } from './evaluate-original.ts';
import { firstPictures, labelsOf, type PictureSource, readLabelledPictures } from './labelled-pictures.ts';
import { RememberedRun } from './remembered-run.ts';

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;

/** What a share of right answers is called, in a line of progress. */
function evaluationLines(
  progress: Progress,
  engine: EngineKind,
  approximated: boolean,
): (report: EvaluationProgress) => void {
  const clear = engine === 'clear';
  return ({ step, done, images, clearAccuracy, polynomialAccuracy, encryptedAccuracy }) => {
    const text = {
      compiling: `compiling the network to a ${clear ? '' : 'ciphertext '}program`,
      encrypting: 'making keys, encrypting every parameter',
      measuring: [
        `${done} of ${images} pictures: ${percent(encryptedAccuracy)} right ${clear ? 'as program' : 'encrypted'}`,
        ...(approximated ? [`${percent(polynomialAccuracy)} as polynomial`] : []),
        `${percent(clearAccuracy)} as given`,
      ].join(', '),
    }[step];
    progress.update(step, text, step === 'measuring' ? done / images : undefined);
  };
}

/** Pictures without classes, of the size that is measured. */
async function readCalibration(
  file: string,
  { picture }: Dataset,
  { light }: NamedNetwork,
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
  normalizePictures(given.pictures, { ...given.picture, ...(light && { light }) });
  return given.pictures;
}

/** Light that is normalized has no scale left to be told. @throws NetworkError NETWORK_DATA. */
function checkScaling({ name, light }: NamedNetwork, scaling: PixelScaling): void {
  if (light === undefined || Object.keys(scaling).length === 0) return;
  throw new NetworkError(
    'NETWORK_DATA',
    `${name} takes pictures whose light is normalized, as its description says: leave out --divide, --mean and --std`,
  );
}

/** The labelled pictures; their classes are those of the network where it has names for them. */
function readPictures(
  network: NamedNetwork,
  options: Omit<EvaluateOptions, 'limit'> & { readonly limit: number | undefined },
  signal: AbortSignal,
): Promise<Dataset> {
  const { images, pictures, clip, labels, boxes, region, trainShare, pad, limit } = options;
  const classes = options.classes ?? (images === undefined ? network.labels : undefined);
  const source: PictureSource = {
    ...(images !== undefined && { images }),
    ...(pictures !== undefined && { pictures }),
    ...(clip !== undefined && { clip }),
    ...(labels !== undefined && { labels }),
    ...(boxes !== undefined && { boxes }),
    ...(region && { region }),
    ...(classes && { classes }),
    ...(trainShare !== undefined && { trainShare }),
    ...(pad !== undefined && { pad }),
    ...(limit !== undefined && { limit }),
  };
  return readLabelledPictures(network.graph, source, signal);
}

/** Fewer frames say little about a median. */
const FEWEST_FRAMES = 5;

/** `blindsight evaluate NETWORK`. Stopped (Ctrl-C), it reports what it has measured. */
export async function evaluate(fileOrName: string, options: EvaluateOptions): Promise<void> {
  const signal = stopSignal();
  const progress = new Progress();
  try {
    await evaluateUntil(signal, fileOrName, options, progress);
  } catch (error) {
    progress.end();
    if (!signal.aborted) throw error;
    process.stderr.write('stopped before the first picture\n');
    process.exitCode = EXIT.interrupted;
  }
}

async function evaluateUntil(
  signal: AbortSignal,
  fileOrName: string,
  options: EvaluateOptions,
  progress: Progress,
): Promise<void> {
  const { divide, mean, std, pad, limit, calibrate, engine } = options;
  const network = await loadNetwork(fileOrName);
  // The last pictures calibrate an approximation, so all are read even if the first few are measured.
  const sets = engine !== 'original' && calibrate === undefined && needsApproximation(network.graph);
  const given = await readPictures(network, { ...options, limit: sets ? undefined : limit }, signal);
  const all = normalizeDataset(given, network);
  const scaling = {
    ...(divide !== undefined && { divide }),
    ...(mean && { mean }),
    ...(std && { deviation: std }),
  };
  checkScaling(network, scaling);
  // The class that comes first is that of the logits.
  const { graph } = dropEnding(adaptPictureInput(network.graph, all.picture, scaling), { sigmoid: true });
  const named = options.images === undefined;
  const labels = labelsOf(graph, all, network.labels ?? options.classes, named);
  if (engine === 'original') {
    const { json } = options;
    await evaluateOriginal(graph, firstPictures(all, limit), {
      labels,
      ...(json && { json }),
      signal,
      progress,
    });
    return;
  }
  const calibration =
    calibrate === undefined ? undefined : await readCalibration(calibrate, all, network, pad);
  const polynomial = await makePolynomial(graph, all, calibration, {
    signal,
    onProgress: ({ node, caption, method, degree, accuracy }) =>
      progress.update(
        `approximating ${node}`,
        `${caption} → ${method}, degree ${degree}: ${percent(accuracy)} of the calibration pictures`,
      ),
  });
  const dataset = firstPictures(polynomial.dataset, limit);
  // Ranges that were written down hold for the pictures that the network was trained on, in that scaling.
  const ranges =
    polynomial.calibration === undefined && Object.keys(scaling).length === 0 ? network.ranges : undefined;
  const approximated = polynomial.layers.length > 0;
  const frames = Math.ceil(dataset.classes.length / (options.regions ?? 1));
  const remembered = engine === 'engine' && frames >= FEWEST_FRAMES ? new RememberedRun(frames) : null;
  const evaluation = await evaluateNetwork({
    name: network.name,
    graph: polynomial.graph,
    ...(approximated && { original: graph }),
    labels,
    dataset,
    ...(ranges && { ranges }),
    ...(polynomial.calibration && { calibration: polynomial.calibration }),
    engine,
    ...(options.regions !== undefined && { regions: options.regions }),
    signal,
    onProgress: evaluationLines(progress, engine, approximated),
    ...(remembered && { beforeFrame: (program) => remembered.beforeFrame(program) }),
  }).finally(() => remembered?.close());
  await remembered?.keep(evaluation);
  progress.end();
  if (signal.aborted) process.stderr.write(`stopped after ${evaluation.images} pictures\n`);
  if (options.json) printJson(evaluationJson(evaluation));
  else process.stdout.write(evaluationText(evaluation));
}
