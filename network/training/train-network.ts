import type { PixelScaling } from '#network/compiler/rewrite/picture-input.ts';
import { accuracyOf, type Confusion, confusionAccuracy, countConfusion } from '#network/model/confusion.ts';
import { type Dataset, pictureValues, selectPictures } from '#network/model/dataset.ts';
import type { NamedNetwork } from '#network/model/description/load-network.ts';
import type { FullDescription } from '#network/model/description/network-description.ts';
import { writeOnnx } from '#network/model/onnx/onnx.ts';
import { SeededRandom } from '#network/model/random.ts';
import { NetworkError } from '../errors.ts';
import { shiftPicture } from './augment.ts';
import { augmentationOf } from './augmentation.ts';
import { splitOff } from './datasets/idx-pictures.ts';
import { normalizeDataset, normalizePictures } from './datasets/normalize-dataset.ts';
import { splitByClass } from './datasets/split-by-class.ts';
import { exportGraph } from './export.ts';
import type { EpochReport, FitOptions, ResumeStore } from './fit-options.ts';
import { fitSettings } from './fit-settings.ts';
import { majorityShare, modelCard } from './model-card.ts';
import { drawOutlier } from './outliers.ts';
import { publishNetwork } from './publish.ts';
import type { Recipe } from './recipe.ts';
import { bytesOf, digestOf } from './state-form.ts';
import { Teacher } from './teacher.ts';
import { predict, type TrainingOptions, trainNetwork } from './train.ts';

/** Input of {@link trainRecipe}. */
export type RecipeTraining = {
  readonly recipe: Recipe;
  /** Values are byte / 255, here and in `test`: light is normalized if the recipe says so. */
  readonly training: Dataset;
  /** The training pictures are frames in order: the validation part is split off their end, not drawn from each class. */
  readonly sequence?: boolean;
  /** Pictures that training never sees; accuracy is measured on them. */
  readonly test: Dataset;
  /** Folder for `<name>.onnx`, `<name>.json`, README.md (the card) and the learning curve. */
  readonly out: string;
  /** A network for the same pictures and labels that answers what this one learns; see `Teacher`. */
  readonly teacher?: Pick<NamedNetwork, 'graph' | 'labels' | 'light' | 'name'> & {
    /** How it was fed, if it takes something else than byte / 255. */
    readonly scaling?: PixelScaling;
  };
  /** Told before training how many of the test pictures the teacher answers rightly: one that is fed wrongly answers few. */
  readonly onTeacher?: (accuracy: number) => void;
  readonly seed: number;
  /** The command that reproduces this network, for the card. */
  readonly command: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (report: EpochReport) => void;
  /** See `FitOptions`. */
  readonly onStep?: FitOptions['onStep'];
  /** Keeps how far training is, and goes on there, see `FitOptions`. */
  readonly resume?: Omit<ResumeStore, 'identity'>;
};

/** The result. */
export type TrainedNetwork = {
  readonly metadata: FullDescription;
  readonly accuracy: number;
  /** Accuracy of always answering the most frequent class. */
  readonly majority: number;
  readonly confusion: Confusion;
};

const TEACHER_SHARE = 0.7;
const TEACHER_TEMPERATURE = 3;
/** Pictures that are answered at a time: as many as a step of the kernel takes. */
const ANSWERED = 8;
/** Number of pictures drawn to see how large outputs get on unfamiliar ones. */
const OUTLIERS = 1000;
/** Number of pictures of each kind (unchanged and varied) for calibrating the ranges. */
const CALIBRATION_PICTURES = 5000;

function checkPictures(recipe: Recipe, dataset: Dataset): void {
  const text = ({ channels, height, width }: Dataset['picture']): string => `${channels}×${height}×${width}`;
  if (text(dataset.picture) !== text(recipe.picture)) {
    throw new NetworkError(
      'NETWORK_TRAINING',
      `the pictures are ${text(dataset.picture)}, but ${recipe.name} takes ${text(recipe.picture)}`,
    );
  }
}

/** Every class about as often as the most frequent one, repeated a whole number of times. */
function balanced(dataset: Dataset): Dataset {
  const counts = dataset.labels.map(() => 0);
  for (const label of dataset.classes) counts[label]!++;
  const most = Math.max(...counts);
  const chosen = [...dataset.classes].flatMap((label, i) =>
    new Array<number>(Math.round(most / counts[label]!)).fill(i),
  );
  return selectPictures(dataset, chosen);
}

/**
 * Training pictures unchanged and augmented, evenly spread; then outliers, if training used them: accidental pictures need an answer, too.
 */
function calibrationPictures(recipe: Recipe, dataset: Dataset, seed: number): Float32Array {
  const count = Math.min(CALIBRATION_PICTURES, dataset.classes.length);
  const size = pictureValues(dataset.picture);
  const random = new SeededRandom(seed);
  const vary = augmentationOf(recipe, { outliers: false });
  const outliers = recipe.training.outliers
    ? drawOutliers(recipe, dataset, seed).pictures
    : new Float32Array();
  const pictures = new Float32Array(2 * count * size + outliers.length);
  pictures.set(outliers, 2 * count * size);
  for (let n = 0; n < count; n++) {
    const from = Math.floor((n * dataset.classes.length) / count);
    const picture = dataset.pictures.subarray(from * size, (from + 1) * size);
    const given = pictures.subarray(n * size, (n + 1) * size);
    given.set(picture);
    normalizePictures(given, recipe.picture);
    const varied = pictures.subarray((count + n) * size, (count + n + 1) * size);
    varied.set(picture);
    vary?.(varied, random, dataset.classes[from]!);
  }
  return pictures;
}

/** Lays out a teacher for the batches of a training, if it fits. */
async function teacherOf(
  { picture, training }: Recipe,
  learned: Dataset,
  given: NonNullable<RecipeTraining['teacher']>,
): Promise<NonNullable<TrainingOptions['teacher']>> {
  const prefix = `the network '${given.name}' cannot be the teacher:`;
  if (given.labels !== undefined && given.labels.join() !== learned.labels.join()) {
    throw new NetworkError(
      'NETWORK_TEACHER',
      `${prefix} its labels are ${given.labels.join(', ')}, and ${learned.labels.join(', ')} are learned`,
    );
  }
  if (given.labels !== undefined && given.light !== picture.light) {
    const text = (light: string | undefined): string => (light ? 'with normalized light' : 'as they are');
    throw new NetworkError(
      'NETWORK_TEACHER',
      `${prefix} it takes pictures ${text(given.light)}, and the recipe's come ${text(picture.light)}`,
    );
  }
  const { share = TEACHER_SHARE, temperature = TEACHER_TEMPERATURE } = training.distillation ?? {};
  const batch = Math.min(training.batch, learned.classes.length);
  return {
    network: await Teacher.create(given.graph, picture, learned.labels.length, batch, {
      ...(given.scaling && { scaling: given.scaling }),
    }),
    share,
    temperature,
  };
}

/** What must not change between two runs of one training, by name; texts of the card may. */
function identityOf({
  recipe,
  training,
  test,
  seed,
  sequence = false,
  teacher,
}: RecipeTraining): Record<string, string> {
  const { layers, picture, labels } = recipe;
  const bytes = ({ pictures, classes }: Dataset): Uint8Array[] => [bytesOf(pictures), classes];
  return {
    version: '1',
    recipe: digestOf(JSON.stringify({ layers, picture, labels, training: recipe.training })),
    pictures: digestOf(...bytes(training), ...bytes(test), String(sequence)),
    seed: String(seed),
    teacher:
      teacher === undefined
        ? 'none'
        : digestOf(writeOnnx(teacher.graph), JSON.stringify(teacher.scaling ?? {})),
  };
}

/** The training part, and the validation part that chooses the epoch to keep. */
function splitTraining(work: RecipeTraining, share: number): { training: Dataset; validation: Dataset } {
  if (share === 0) return { training: work.training, validation: work.training };
  return work.sequence ? splitOff(work.training, share) : splitByClass(work.training, share, work.seed);
}

/** The test pictures under other light, and moved: changes that a mounted camera undergoes. */
function varyTest(recipe: Recipe, test: Dataset): { name: string; dataset: Dataset }[] {
  const size = pictureValues(recipe.picture);
  const changed = (change: (picture: Float32Array) => void): Dataset => {
    const pictures = test.pictures.slice();
    for (let at = 0; at < pictures.length; at += size) change(pictures.subarray(at, at + size));
    return { ...test, pictures };
  };
  const light = (map: (value: number) => number) =>
    changed((picture) => picture.set(picture.map((value) => Math.min(1, Math.max(0, map(value))))));
  return [
    { name: '30 % darker', dataset: light((value) => 0.7 * value) },
    { name: '30 % brighter', dataset: light((value) => 1.3 * value) },
    { name: 'half the contrast', dataset: light((value) => 0.25 + 0.5 * value) },
    {
      name: 'moved one pixel right',
      dataset: changed((picture) => shiftPicture(picture, recipe.picture, 1, 0)),
    },
    {
      name: 'moved one pixel down',
      dataset: changed((picture) => shiftPicture(picture, recipe.picture, 0, 1)),
    },
  ];
}

/** Pictures that show nothing the network learned, prepared for the network. */
function drawOutliers(recipe: Recipe, { picture, labels }: Dataset, seed: number): Dataset {
  const size = pictureValues(picture);
  const random = new SeededRandom(seed);
  const pictures = new Float32Array(OUTLIERS * size);
  for (let n = 0; n < OUTLIERS; n++)
    drawOutlier(pictures.subarray(n * size, (n + 1) * size), recipe.picture, random);
  const drawn = { picture, labels, pictures, classes: new Uint8Array(OUTLIERS) };
  return normalizeDataset(drawn, recipe.picture);
}

/**
 * Trains a network by its recipe, tests it, calibrates it and writes it with its card. The same recipe, pictures and seed give the
 * same file on every machine.
 *
 * @throws NetworkError NETWORK_TRAINING if recipe and pictures do not fit together; the signal's reason.
 */
export async function trainRecipe(work: RecipeTraining): Promise<TrainedNetwork> {
  const { recipe, seed, signal, onProgress } = work;
  const { labelSmoothing, balance, validationShare = 0 } = recipe.training;
  for (const dataset of [work.training, work.test]) checkPictures(recipe, dataset);
  const { training, validation } = splitTraining(work, validationShare);
  const test = normalizeDataset(work.test, recipe.picture);
  const augment = augmentationOf(recipe);
  const learned = balance ? balanced(training) : training;
  const teacher = work.teacher && (await teacherOf(recipe, learned, work.teacher));
  if (teacher) work.onTeacher?.(teacher.network.accuracyOn(test));
  const { network, curve } = await trainNetwork(
    recipe.layers,
    learned,
    normalizeDataset(validation, recipe.picture),
    {
      seed,
      ...fitSettings(recipe),
      ...(labelSmoothing !== undefined && { labelSmoothing }),
      ...(augment && { augment }),
      ...(teacher && { teacher }),
      ...(signal && { signal }),
      ...(onProgress && { onProgress }),
      ...(work.onStep && { onStep: work.onStep }),
      ...(work.resume && { resume: { ...work.resume, identity: identityOf(work) } }),
    },
  );
  const graph = exportGraph(network, recipe.name);
  const input = new Float32Array(ANSWERED * pictureValues(test.picture));
  const answer = (dataset: Dataset): Float32Array =>
    predict(network, dataset, input, Math.min(ANSWERED, recipe.training.batch, learned.classes.length));
  const logits = answer(test);
  const confusion = countConfusion(logits, test.classes, network.outputs);
  const trials = varyTest(recipe, work.test).map(({ name, dataset }) => {
    const changed = answer(normalizeDataset(dataset, recipe.picture));
    return { name, accuracy: accuracyOf(changed, dataset.classes) };
  });
  const largestOutlier = answer(drawOutliers(recipe, work.test, seed + 1)).reduce(
    (most, logit) => Math.max(most, Math.abs(logit)),
    0,
  );
  const metadata = await publishNetwork({
    out: work.out,
    name: recipe.name,
    description: recipe.description,
    labels: recipe.labels ?? training.labels,
    seed,
    graph,
    treatment: recipe.picture,
    curve,
    accuracy: confusionAccuracy(confusion),
    calibration: calibrationPictures(recipe, training, seed),
    pages: (described) => ({
      'README.md': modelCard({
        recipe,
        metadata: described,
        trainingPictures: training.classes.length,
        curve,
        confusion,
        trials,
        largestOutlier,
        command: work.command,
      }),
    }),
  });
  return { metadata, accuracy: confusionAccuracy(confusion), majority: majorityShare(confusion), confusion };
}
