import { NetworkError } from '#network/errors.ts';
import type { TrainingSource } from '../datasets/training-pictures.ts';
import type { Recipe } from '../recipe.ts';
import { type MapDataset, partOf } from './map-dataset.ts';
import { readClipMap } from './read-clip-map.ts';

/** Share of a clip used for training by default. */
const TRAIN_SHARE = 0.6;

/**
 * Reads a clip with boxes, and splits it by time: neighboring frames are near-duplicates.
 *
 * @throws NetworkError NETWORK_TRAINING if too little or too much is named, and as `readClipMap`.
 */
export async function readTrainingPlaces(
  recipe: Recipe,
  { clip, boxes, region, trainShare = TRAIN_SHARE, ...others }: TrainingSource,
  signal: AbortSignal,
): Promise<{ readonly training: MapDataset; readonly test: MapDataset }> {
  const { picture, task, labels = [] } = recipe;
  if (clip === undefined || boxes === undefined)
    throw new NetworkError('NETWORK_TRAINING', `a ${task} learns from --clip and --boxes; give both`);
  const names = ['images', 'labels', 'testImages', 'testLabels', 'pictures', 'testPictures'] as const;
  const stray = names.find((name) => others[name] !== undefined);
  if (stray !== undefined) {
    const flag = stray.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    throw new NetworkError('NETWORK_TRAINING', `--${flag} is for a classification, and the task is ${task}`);
  }
  const all = await readClipMap({ clip, boxes, labels, picture, signal, ...(region && { region }) });
  const frames = all.places.length;
  const border = Math.floor(trainShare * frames);
  if (border < 2 || border === frames) {
    throw new NetworkError(
      'NETWORK_TRAINING',
      `splitting ${frames} frames at ${trainShare} leaves too few to learn from or to test on`,
    );
  }
  return { training: partOf(all, 0, border), test: partOf(all, border, frames) };
}
