import { pictureValues } from '#network/model/dataset.ts';
import { SeededRandom } from '#network/model/random.ts';
import { normalizePictures } from '../datasets/normalize-dataset.ts';
import { drawOutlier } from '../outliers.ts';
import type { Recipe } from '../recipe.ts';
import { predict } from '../train.ts';
import type { TrainableNetwork } from '../trainable-network.ts';
import { mapAugmentationOf } from './map-augmentation.ts';
import type { MapDataset } from './map-dataset.ts';

/** Pictures for calibrating the ranges: as they are, and varied. */
const CALIBRATION_PICTURES = 200;
/** Pictures drawn to see how large outputs get on unfamiliar ones. */
const OUTLIERS = 1000;

/** A copy with the light of its pictures as a gateway prepares it. */
export function prepared(dataset: MapDataset, { picture }: Recipe): MapDataset {
  if (picture.light === undefined) return dataset;
  const pictures = dataset.pictures.slice();
  normalizePictures(pictures, picture);
  return { ...dataset, pictures };
}

/** Training pictures, evenly spread, unchanged and varied; then outliers, if training used them: accidental pictures need an answer, too. */
export function calibrationPictures(recipe: Recipe, training: MapDataset, seed: number): Float32Array {
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
export function largestOutlier(network: TrainableNetwork, { picture }: Recipe, seed: number): number {
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
export function answers(network: TrainableNetwork, dataset: MapDataset): Float32Array[] {
  const all = predict(network, dataset, new Float32Array(pictureValues(dataset.picture)), 1);
  const size = network.outputs;
  return dataset.places.map((_, n) => all.subarray(n * size, (n + 1) * size));
}
