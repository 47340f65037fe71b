import { type Dataset, pictureValues, selectPictures } from '../datasets/dataset.ts';
import { splitOff } from '../datasets/idx-pictures.ts';
import { NetworkError } from '../errors.ts';
import type { ZooMetadata } from '../zoo.ts';
import { augmentationOf } from './augmentation.ts';
import { type Confusion, confusionAccuracy, countConfusion } from './confusion.ts';
import { exportGraph } from './export.ts';
import { majorityShare, modelCard } from './model-card.ts';
import { publishNetwork } from './publish.ts';
import { SeededRandom } from './random.ts';
import type { Recipe } from './recipe.ts';
import { type EpochReport, predict, trainNetwork } from './train.ts';

/** What {@link trainRecipe} works on. */
export type RecipeTraining = {
  readonly recipe: Recipe;
  readonly training: Dataset;
  /** Pictures that training never sees; the accuracy is claimed on them. */
  readonly test: Dataset;
  /** Folder for `<name>.onnx`, `<name>.json`, README.md (the card) and the learning curve. */
  readonly out: string;
  readonly seed: number;
  /** The command that makes this network again, for the card. */
  readonly command: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (report: EpochReport) => void;
};

/** What came out. */
export type TrainedNetwork = {
  readonly metadata: ZooMetadata;
  readonly accuracy: number;
  /** What always answering the most frequent class would reach. */
  readonly majority: number;
  readonly confusion: Confusion;
};

/** Pictures of each kind (as they are, and varied) that the ranges are calibrated on. */
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

/** Every class as often as the most frequent one, whole numbers of times. */
function balanced(dataset: Dataset): Dataset {
  const counts = dataset.labels.map(() => 0);
  for (const label of dataset.classes) counts[label]!++;
  const most = Math.max(...counts);
  const chosen = [...dataset.classes].flatMap((label, i) =>
    new Array<number>(Math.round(most / counts[label]!)).fill(i),
  );
  return selectPictures(dataset, chosen);
}

/** Training pictures as they are and as augmentation varies them, evenly spread. */
function calibrationPictures(recipe: Recipe, dataset: Dataset, seed: number): Float32Array {
  const count = Math.min(CALIBRATION_PICTURES, dataset.classes.length);
  const size = pictureValues(dataset.picture);
  const random = new SeededRandom(seed);
  const vary = augmentationOf(recipe);
  const pictures = new Float32Array(2 * count * size);
  for (let n = 0; n < count; n++) {
    const from = Math.floor((n * dataset.classes.length) / count);
    const picture = dataset.pictures.subarray(from * size, (from + 1) * size);
    pictures.set(picture, n * size);
    const varied = pictures.subarray((count + n) * size, (count + n + 1) * size);
    varied.set(picture);
    vary?.(varied, random, dataset.classes[from]!);
  }
  return pictures;
}

/**
 * Trains a network by its recipe, tests it, calibrates it and writes it with its card. The same recipe, pictures and seed give the
 * same file on every machine.
 *
 * @throws NetworkError NETWORK_TRAINING where recipe and pictures do not fit together; the signal's reason.
 */
export async function trainRecipe(work: RecipeTraining): Promise<TrainedNetwork> {
  const { recipe, seed, signal, onProgress, test } = work;
  const { epochs, batch, learningRate, weightDecay, ...rest } = recipe.training;
  const { schedule, labelSmoothing, averaging, freezeNormalizationAt, patience, validationShare = 0 } = rest;
  for (const dataset of [work.training, test]) checkPictures(recipe, dataset);
  const { training, validation } =
    validationShare > 0
      ? splitOff(work.training, validationShare)
      : { training: work.training, validation: work.training };
  const augment = augmentationOf(recipe);
  const { network, curve } = await trainNetwork(
    recipe.layers,
    rest.balance ? balanced(training) : training,
    validation,
    {
      seed,
      epochs,
      batch,
      learningRate,
      weightDecay,
      ...(rest.optimizer && { optimizer: rest.optimizer }),
      ...(schedule && { schedule }),
      ...(labelSmoothing !== undefined && { labelSmoothing }),
      ...(averaging !== undefined && { averaging }),
      ...(freezeNormalizationAt !== undefined && { freezeNormalizationAt }),
      ...(patience !== undefined && { patience }),
      ...(augment && { augment }),
      ...(signal && { signal }),
      ...(onProgress && { onProgress }),
    },
  );
  const graph = exportGraph(network, recipe.name);
  const logits = predict(network, test, new Float32Array(pictureValues(test.picture)), 1);
  const confusion = countConfusion(logits, test.classes, network.classes);
  const metadata = await publishNetwork({
    out: work.out,
    name: recipe.name,
    description: recipe.description,
    labels: recipe.labels ?? training.labels,
    seed,
    graph,
    curve,
    confusion,
    calibration: calibrationPictures(recipe, training, seed),
    pages: (described) => ({
      'README.md': modelCard({
        recipe,
        metadata: described,
        trainingPictures: training.classes.length,
        curve,
        confusion,
        command: work.command,
      }),
    }),
  });
  return { metadata, accuracy: confusionAccuracy(confusion), majority: majorityShare(confusion), confusion };
}
