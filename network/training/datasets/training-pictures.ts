import { NetworkError } from '#network/errors.ts';
import { type Dataset, joinDatasets } from '#network/model/dataset.ts';
import { SeededRandom } from '#network/model/random.ts';
import type { PictureFormat } from '#vision/picture-format.ts';
import { readClip } from './clip.ts';
import { readIdxDataset } from './idx-pictures.ts';
import { pastePeople } from './paste-people.ts';
import { readPeopleInRegion } from './people-in-region.ts';
import { readPictureFolder } from './picture-folder.ts';
import { splitByClass } from './split-by-class.ts';
import { splitByTime } from './split-by-time.ts';

/** Share of the pictures used for testing if no test pictures are given. */
const TEST_SHARE = 0.1;
/** Share of a clip used for training by default. */
const TRAIN_SHARE = 0.6;

/** A recipe's settings for its pictures. */
export type LearnedPictures = {
  /** Names of the classes, in their order; IDX files and folders may have their own. */
  readonly labels?: readonly string[] | undefined;
  readonly picture: PictureFormat;
  /** Number of people pasted into frames of a clip. */
  readonly pastedPeople?: number | undefined;
};

/** Where pictures are: IDX files, a folder of folders, or a clip with labels or with boxes and a region. */
export type TrainingSource = {
  readonly images?: string;
  readonly labels?: string;
  readonly testImages?: string;
  readonly testLabels?: string;
  readonly pictures?: string;
  readonly testPictures?: string;
  readonly clip?: string;
  readonly boxes?: string;
  readonly region?: { x: number; y: number; width: number; height: number };
  readonly trainShare?: number;
};

export type TrainingPictures = { readonly training: Dataset; readonly test: Dataset };

/** @throws NetworkError NETWORK_TRAINING if something given would be ignored. */
function checkSource(source: TrainingSource): void {
  const { images, labels, testImages, testLabels, pictures, testPictures, clip, boxes, region } = source;
  const given = (value: unknown): boolean => value !== undefined;
  const problems: [boolean, string][] = [
    [
      [images, pictures, clip].filter(given).length > 1,
      'give one of --images, --pictures and --clip, not several',
    ],
    [given(pictures) && given(labels), '--labels does not go with --pictures, whose folders are the classes'],
    [given(labels) && !given(images) && !given(clip), '--labels goes with --images or --clip'],
    [given(labels) && given(boxes), 'give either --labels or --boxes'],
    [!given(clip) && given(boxes), '--boxes goes with --clip'],
    [!given(clip) && given(region), '--region goes with --clip'],
    [!given(clip) && given(source.trainShare), '--train-share goes with --clip'],
    [given(testImages) !== given(testLabels), '--test-images and --test-labels go together'],
    [given(testImages) && !given(images), '--test-images goes with --images'],
    [given(testPictures) && !given(pictures), '--test-pictures goes with --pictures'],
  ];
  const problem = problems.find(([wrong]) => wrong);
  if (problem !== undefined) throw new NetworkError('NETWORK_TRAINING', problem[1]);
}

/**
 * Reads the training and test pictures: IDX files, a folder of folders, or a clip. Without separate test pictures, a tenth of each class
 * is held out, or the later part of a clip.
 *
 * @param seed for drawing the tenth, and the people pasted into frames.
 * @throws NetworkError NETWORK_TRAINING if too little or too much is named, and as the readers throw.
 */
export async function readTrainingPictures(
  { labels: classNames, picture, pastedPeople }: LearnedPictures,
  source: TrainingSource,
  { seed, signal }: { readonly seed: number; readonly signal: AbortSignal },
): Promise<TrainingPictures> {
  checkSource(source);
  const { images, labels, testImages, testLabels, pictures, testPictures, clip, boxes, region } = source;
  const { trainShare = TRAIN_SHARE } = source;
  const names = classNames === undefined ? {} : { names: classNames };
  if (clip !== undefined && boxes !== undefined && region !== undefined && classNames !== undefined) {
    const all = await readPeopleInRegion({ clip, boxes, region, labels: classNames, picture, signal });
    const { training, test } = splitByTime(all, trainShare);
    if (pastedPeople === undefined) return { training, test };
    const earlier = all.boxes.slice(0, training.classes.length);
    const random = new SeededRandom(seed);
    return { training: joinDatasets(training, pastePeople(training, earlier, pastedPeople, random)), test };
  }
  if (clip !== undefined && labels !== undefined && classNames !== undefined) {
    const where = { signal, ...(region && { region }) };
    return splitByTime(await readClip(clip, labels, classNames, picture, where), trainShare);
  }
  if (images !== undefined && labels !== undefined) {
    const all = await readIdxDataset({ images, labels, ...names });
    if (testImages !== undefined && testLabels !== undefined) {
      return {
        training: all,
        test: await readIdxDataset({ images: testImages, labels: testLabels, names: all.labels }),
      };
    }
    const { training, validation } = splitByClass(all, TEST_SHARE, seed);
    return { training, test: validation };
  }
  if (pictures !== undefined) {
    const all = await readPictureFolder({ folder: pictures, picture, ...names, signal });
    if (testPictures !== undefined) {
      const test = await readPictureFolder({ folder: testPictures, picture, names: all.labels, signal });
      return { training: all, test };
    }
    const { training, validation } = splitByClass(all, TEST_SHARE, seed);
    return { training, test: validation };
  }
  throw new NetworkError(
    'NETWORK_TRAINING',
    'nothing to learn from: give --images and --labels (IDX), --pictures (a folder of folders), --clip and --labels, or --clip, --boxes and --region',
  );
}
