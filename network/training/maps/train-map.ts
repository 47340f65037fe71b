import { pictureValues } from '#network/model/dataset.ts';
import type { FullDescription } from '#network/model/description/network-description.ts';
import { SeededRandom } from '#network/model/random.ts';
import { decodeMap } from '#vision/decode-map.ts';
import { stackOutput } from '../architecture.ts';
import { normalizePictures } from '../datasets/normalize-dataset.ts';
import { exportGraph } from '../export.ts';
import { type EpochReport, fitNetwork } from '../fit-network.ts';
import { drawOutlier } from '../outliers.ts';
import { publishNetwork } from '../publish.ts';
import type { Recipe } from '../recipe.ts';
import { predict } from '../train.ts';
import type { TrainableNetwork } from '../trainable-network.ts';
import { calibrateDecoding } from './calibrate-decoding.ts';
import type { MapShape } from './draw-target.ts';
import { mapAugmentationOf } from './map-augmentation.ts';
import { mapCard } from './map-card.ts';
import { type MapDataset, splitBlocks } from './map-dataset.ts';
import { mapObjective } from './map-objective.ts';
import { meanCountScore, type PointScore, scorePoints } from './score-points.ts';

/** Input of {@link trainMap}. */
export type MapTraining = {
  readonly recipe: Recipe;
  /** Values are byte / 255, here and in `test`: light is normalized if the recipe says so. */
  readonly training: MapDataset;
  /** Later pictures, that training never sees. */
  readonly test: MapDataset;
  /** Folder for `<name>.onnx`, `<name>.json`, README.md (the card) and the learning curve. */
  readonly out: string;
  readonly seed: number;
  /** The command that reproduces this network, for the card. */
  readonly command: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (report: EpochReport) => void;
};

/** Part of the training pictures that chooses the epoch to keep and how points are made. */
const VALIDATION_SHARE = 0.2;
const SPREAD = 1;
const COUNT_WEIGHT = 0.1;
const PRESENCE_WEIGHT = 4;
const OUTPUT_SCALE = 0.05;
/** Pictures for calibrating the ranges: as they are, and varied. */
const CALIBRATION_PICTURES = 200;
/**
 * Of the largest output: a cell is a sum of squares, and two things that meet as they never did in training exceed it. Half as much again was
 * not enough for one frame of carpark-map's later part (1.52 times the calibrated).
 */
const HEADROOM = 1.5;
/** Pictures drawn to see how large outputs get on unfamiliar ones. */
const OUTLIERS = 1000;

/** A copy with the light of its pictures as a gateway prepares it. */
function prepared(dataset: MapDataset, { picture }: Recipe): MapDataset {
  if (picture.light === undefined) return dataset;
  const pictures = dataset.pictures.slice();
  normalizePictures(pictures, picture);
  return { ...dataset, pictures };
}

/** Training pictures, evenly spread, unchanged and varied; then outliers, if training used them: accidental pictures need an answer, too. */
function calibrationPictures(recipe: Recipe, training: MapDataset, seed: number): Float32Array {
  const size = pictureValues(recipe.picture);
  const count = Math.min(CALIBRATION_PICTURES, training.places.length);
  const outliers = recipe.training.outliers ? CALIBRATION_PICTURES : 0;
  const pictures = new Float32Array((2 * count + outliers) * size);
  const random = new SeededRandom(seed);
  const vary = mapAugmentationOf(recipe);
  for (let n = 0; n < count; n++) {
    const from = Math.floor((n * training.places.length) / count);
    const picture = training.pictures.subarray(from * size, (from + 1) * size);
    pictures.set(picture, n * size);
    normalizePictures(pictures.subarray(n * size, (n + 1) * size), recipe.picture);
    const varied = pictures.subarray((count + n) * size, (count + n + 1) * size);
    varied.set(picture);
    vary(varied, [], random);
  }
  for (let n = 2 * count; n < 2 * count + outliers; n++) {
    const drawn = pictures.subarray(n * size, (n + 1) * size);
    drawOutlier(drawn, recipe.picture, random);
    normalizePictures(drawn, recipe.picture);
  }
  return pictures;
}

/** Largest |output| on pictures that show nothing of what was learned. */
function largestOutlier(network: TrainableNetwork, { picture }: Recipe, seed: number): number {
  const size = pictureValues(picture);
  const random = new SeededRandom(seed);
  const pictures = new Float32Array(size);
  let largest = 0;
  for (let n = 0; n < OUTLIERS; n++) {
    drawOutlier(pictures, picture, random);
    normalizePictures(pictures, picture);
    for (const value of predict(network, { picture, pictures }, pictures, 1))
      largest = Math.max(largest, Math.abs(value));
  }
  return largest;
}

/** Answers to every picture. */
function answers(network: TrainableNetwork, dataset: MapDataset): Float32Array[] {
  const all = predict(network, dataset, new Float32Array(pictureValues(dataset.picture)), 1);
  const size = network.outputs;
  return dataset.places.map((_, n) => all.subarray(n * size, (n + 1) * size));
}

/** Trains by density and count. */
function learn(work: MapTraining, map: MapShape, training: MapDataset, validation: MapDataset) {
  const { recipe, seed, signal, onProgress } = work;
  const { epochs, batch, learningRate, weightDecay, optimizer, schedule, averaging, patience } =
    recipe.training;
  const {
    spread = SPREAD,
    countWeight = COUNT_WEIGHT,
    presenceWeight = PRESENCE_WEIGHT,
  } = recipe.training.map ?? {};
  const objective = mapObjective(training, validation, {
    ...{ map, spread, countWeight, presenceWeight },
    augment: mapAugmentationOf(recipe),
    decoding: { ...map, threshold: 0.4, smoothing: 0, distance: 2, most: 64 },
  });
  const { freezeNormalizationAt } = recipe.training;
  return fitNetwork(recipe.layers, objective, {
    ...{ seed, epochs, batch, learningRate, weightDecay, outputScale: OUTPUT_SCALE },
    ...(optimizer && { optimizer }),
    ...(schedule && { schedule }),
    ...(averaging !== undefined && { averaging }),
    ...(freezeNormalizationAt !== undefined && { freezeNormalizationAt }),
    ...(patience !== undefined && { patience }),
    ...(signal && { signal }),
    ...(onProgress && { onProgress }),
  });
}

/**
 * Trains a network that makes a map, calibrates how points are made of it, tests and writes it with its card. The same recipe, clip and seed
 * give the same file on every machine.
 *
 * @throws NetworkError NETWORK_TRAINING if the loss stops being a number; the signal's reason.
 */
export async function trainMap(
  work: MapTraining,
): Promise<{ readonly metadata: FullDescription; readonly score: PointScore }> {
  const { recipe, seed } = work;
  const { labels } = work.training;
  const [height, width] = mapSize(recipe);
  const map = { classes: labels.length, height, width };
  const { training, validation } = splitBlocks(
    work.training,
    recipe.training.validationShare ?? VALIDATION_SHARE,
  );
  const chosen = prepared(validation, recipe);
  const { network, curve } = await learn(work, map, training, chosen);
  const decoding = calibrateDecoding(answers(network, chosen), chosen.places, map);
  const test = prepared(work.test, recipe);
  const pictures = answers(network, test).map((values, n) => ({
    points: decodeMap(values, decoding).points,
    places: test.places[n]!,
  }));
  const score = scorePoints(pictures, labels.length);
  const mean = meanCountScore(work.training.places, test.places, labels.length);
  const outlier = largestOutlier(network, recipe, seed + 1);
  const { threshold, smoothing, distance, most } = decoding;
  const metadata = await publishNetwork({
    out: work.out,
    name: recipe.name,
    description: recipe.description,
    labels,
    seed,
    graph: exportGraph(network, recipe.name),
    treatment: recipe.picture,
    curve,
    accuracy: score.f1,
    answer: { task: 'map', map: { height, width }, decoding: { threshold, smoothing, distance, most } },
    headroom: HEADROOM,
    calibration: calibrationPictures(recipe, training, seed),
    pages: (described) => ({
      'README.md': mapCard({
        ...{ recipe, metadata: described, curve, score, mean },
        trainingPictures: training.places.length,
        largestOutlier: outlier,
        command: work.command,
      }),
    }),
  });
  return { metadata, score };
}

/** Rows and columns of cells. */
function mapSize({ picture: { channels, height, width }, layers }: Recipe): [height: number, width: number] {
  const output = stackOutput(layers, { kind: 'maps', channels, height, width }, 'layers');
  if (output.kind === 'vector') throw new RangeError('a map ends in maps, which parseRecipe has checked');
  return [output.height, output.width];
}
