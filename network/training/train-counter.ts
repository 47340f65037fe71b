import {
  type Confusion,
  confusionAccuracy,
  confusionTable,
  countConfusion,
} from '#network/model/confusion.ts';
import { type Dataset, pictureValues, selectPictures } from '#network/model/dataset.ts';
import type { FullDescription } from '#network/model/description/network-description.ts';
import { SeededRandom } from '#network/model/random.ts';
import type { PictureFormat } from '#vision/prepare-picture.ts';
import type { Architecture } from './architecture.ts';
import { drawPasserby, shiftPicture, varyLight } from './augment.ts';
import { type ClipDataset, readClip } from './datasets/clip.ts';
import { splitByTime } from './datasets/split-by-time.ts';
import { exportGraph } from './export.ts';
import { publishNetwork } from './publish.ts';
import { type Augmentation, type EpochReport, predict, trainNetwork } from './train.ts';

/** What {@link trainCounter} works on. */
export type CounterTraining = {
  /** The clip and its label file. */
  readonly clip: string;
  readonly presence: string;
  /** Folder that the network, its description, its results and its learning curve are written to. */
  readonly out: string;
  readonly seed?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (report: EpochReport) => void;
};

/** What came out. */
export type CounterResult = {
  readonly accuracy: number;
  readonly confusion: Confusion;
  readonly testFrames: number;
  readonly metadata: FullDescription;
};

/** Labels in the order of the logits. */
export const COUNTER_LABELS = ['absent', 'present'] as const;
/** A sixteenth of the camera's 768 × 432, in grey. */
export const COUNTER_PICTURE: PictureFormat = { channels: 1, height: 27, width: 48 };
/** Share of the clip, from its start, that is trained on; the rest is never seen before the test. */
export const TRAINING_SHARE = 0.6;

const ARCHITECTURE: Architecture = [
  { kind: 'convolution', maps: 4, kernel: 6, stride: 3 },
  { kind: 'normalize' },
  { kind: 'square' },
  { kind: 'dense', units: 64 },
  { kind: 'normalize' },
  { kind: 'square' },
  { kind: 'dense', units: 2 },
];

const DEFAULT_SEED = 2026;
const EPOCHS = 60;
/** Frames without people are rarer; each is shown this often. */
const ABSENT_REPEATS = 3;
const ABSENT = 0;
const PRESENT = 1;

/** Light, small shifts of the camera, and passers-by that nobody filmed. */
const augment: Augmentation = (picture, random, label) => {
  let shown = label;
  shiftPicture(picture, COUNTER_PICTURE, random.below(3) - 1, random.below(3) - 1);
  if (label === ABSENT && random.uniform() < 0.4) {
    const before = picture.slice();
    if (drawPasserby(picture, COUNTER_PICTURE, random)) shown = PRESENT;
    else picture.set(before);
  }
  varyLight(picture, random);
  return shown;
};

/** Earlier and later part of the clip, by frame number. */
export function splitCounter(all: ClipDataset): { training: Dataset; test: Dataset; testFrames: number[] } {
  return splitByTime(all, TRAINING_SHARE);
}

/** Frames without people repeated, so that both labels weigh about the same. */
function balanced(dataset: Dataset): Dataset {
  const chosen = [...dataset.classes].flatMap((label, i) =>
    label === ABSENT ? new Array<number>(ABSENT_REPEATS).fill(i) : [i],
  );
  return selectPictures(dataset, chosen);
}

/** A copy of the dataset with every picture changed. */
function changed(dataset: Dataset, change: (picture: Float32Array) => void): Dataset {
  const size = pictureValues(dataset.picture);
  const pictures = dataset.pictures.slice();
  for (let at = 0; at < pictures.length; at += size) change(pictures.subarray(at, at + size));
  return { ...dataset, pictures };
}

const ROBUSTNESS: readonly { readonly name: string; readonly change: (picture: Float32Array) => void }[] = [
  { name: '15 % darker', change: (p) => p.set(p.map((v) => 0.85 * v)) },
  { name: '15 % brighter', change: (p) => p.set(p.map((v) => Math.min(1, 1.15 * v))) },
  { name: 'moved one pixel (16 camera pixels) right', change: (p) => shiftPicture(p, COUNTER_PICTURE, 1, 0) },
  { name: 'moved one pixel (16 camera pixels) down', change: (p) => shiftPicture(p, COUNTER_PICTURE, 0, 1) },
];

/**
 * Trains the bundled `counter` network: is somebody at the counter? Writes `counter.onnx`, `counter.json`, `results.md` and
 * `learning-curve.svg` into `out`. Reproducible: the same clip and seed give the same file.
 *
 * @throws NetworkError NETWORK_DATA where the clip cannot be read.
 */
export async function trainCounter(options: CounterTraining): Promise<CounterResult> {
  const { clip, presence, out, signal, seed = DEFAULT_SEED } = options;
  const all = await readClip(clip, presence, COUNTER_LABELS, COUNTER_PICTURE, signal ? { signal } : {});
  const { training, test } = splitCounter(all);
  // The epoch that is kept is chosen on the training frames: the later part of the clip is for the test alone.
  const { network, curve } = await trainNetwork(ARCHITECTURE, balanced(training), training, {
    seed,
    epochs: EPOCHS,
    batch: 32,
    learningRate: 2e-3,
    weightDecay: 1e-2,
    labelSmoothing: 0.02,
    augment,
    ...(signal && { signal }),
    ...(options.onProgress && { onProgress: options.onProgress }),
  });
  const graph = exportGraph(network, 'counter');
  const input = new Float32Array(pictureValues(COUNTER_PICTURE));
  const evaluate = (dataset: Dataset): Float32Array => predict(network, dataset, input, 1);
  const confusion = countConfusion(evaluate(test), test.classes, 2);
  const robustness = ROBUSTNESS.map(({ name, change }) => ({
    name,
    accuracy: confusionAccuracy(countConfusion(evaluate(changed(test, change)), test.classes, 2)),
  }));
  const random = new SeededRandom(seed);
  const varied = changed(training, (picture) => varyLight(picture, random));
  const metadata = await publishNetwork({
    out,
    name: 'counter',
    description: 'Is somebody at the counter?',
    labels: COUNTER_LABELS,
    seed,
    graph,
    curve,
    confusion,
    calibration: Float32Array.from([...training.pictures, ...varied.pictures]),
    pages: (described) => ({ 'results.md': resultsPage(described, confusion, robustness, training, test) }),
  });
  const accuracy = confusionAccuracy(confusion);
  return { accuracy, confusion, testFrames: test.classes.length, metadata };
}

function resultsPage(
  metadata: FullDescription,
  confusion: Confusion,
  robustness: readonly { readonly name: string; readonly accuracy: number }[],
  training: Dataset,
  test: Dataset,
): string {
  const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;
  return [
    '# counter: results of the last training',
    '',
    'Written by `npx blindsight train counter`; see README.md for what they mean.',
    '',
    `Seed ${metadata.seed}, ${training.classes.length} training frames, ${test.classes.length} test frames.`,
    '',
    `Accuracy on the later part: **${percent(metadata.accuracy)}**`,
    '',
    confusionTable(confusion, metadata.labels),
    '',
    '| the same frames | accuracy |',
    '|---|---:|',
    ...robustness.map(({ name, accuracy }) => `| ${name} | ${percent(accuracy)} |`),
    '',
    '![learning curve](learning-curve.svg)',
    '',
  ].join('\n');
}
