import { constants, existsSync } from 'node:fs';
import { access, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { validateConfig } from '#config/validate.ts';
import { COUNTER_CLIP } from '#demo/simulated-camera.ts';
import { NetworkError } from '#network/errors.ts';
import { type Dataset, joinDatasets } from '#network/model/dataset.ts';
import { SeededRandom } from '#network/model/random.ts';
import { readClip } from '#network/training/datasets/clip.ts';
import { readIdxDataset } from '#network/training/datasets/idx-pictures.ts';
import { pastePeople } from '#network/training/datasets/paste-people.ts';
import { readPeopleInRegion } from '#network/training/datasets/people-in-region.ts';
import { readPictureFolder } from '#network/training/datasets/picture-folder.ts';
import { splitByClass } from '#network/training/datasets/split-by-class.ts';
import { splitByTime } from '#network/training/datasets/split-by-time.ts';
import { checkRecipe, loadRecipe, type Recipe, recipeSchema } from '#network/training/recipe.ts';
import type { EpochReport } from '#network/training/train.ts';
import { trainRecipe } from '#network/training/train-network.ts';
import { EXIT } from '#runtime/exit.ts';
import { Progress } from '../progress.ts';
import { stopSignal } from '../stop-signal.ts';
import type { TrainOptions } from './train-options.ts';

/** Share of the pictures that are tested on where no test pictures are given. */
const TEST_SHARE = 0.1;
const DEFAULT_SEED = 2026;

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;

function epochLines(progress: Progress): (report: EpochReport) => void {
  return ({ epoch, epochs, loss, trainingAccuracy, validationAccuracy }) =>
    progress.update(
      'training',
      `epoch ${epoch} of ${epochs}: loss ${loss.toFixed(4)}, ${percent(trainingAccuracy)} of the training pictures, ${percent(validationAccuracy)} of the validation pictures`,
      epoch / epochs,
    );
}

/**
 * Sees before the work, which may take hours, that its outcome can be kept.
 *
 * @throws NetworkError NETWORK_TRAINING where a network is there already, or the folder cannot be made or written to.
 */
async function checkOut(out: string, name: string, force = false): Promise<void> {
  const file = join(out, `${name}.onnx`);
  if (existsSync(file) && !force)
    throw new NetworkError(
      'NETWORK_TRAINING',
      `${file} is there already: give another folder with --out, or --force to overwrite it`,
    );
  try {
    await mkdir(out, { recursive: true });
    await access(out, constants.W_OK);
  } catch (cause) {
    throw new NetworkError(
      'NETWORK_TRAINING',
      `${out} cannot be written to (${(cause as Error).message}): give another folder with --out`,
      { cause },
    );
  }
}

/** `counter` learns from the clip that comes along where nothing else is given. */
function withBundledClip(recipe: string, options: TrainOptions): TrainOptions {
  const { images, pictures, clip } = options;
  if (recipe !== 'counter' || (images ?? pictures ?? clip) !== undefined) return options;
  return { ...options, clip: COUNTER_CLIP, labels: join(COUNTER_CLIP, '..', 'presence.csv') };
}

type Parts = { readonly training: Dataset; readonly test: Dataset };

/** Reads what the options name: IDX files, a folder of folders, or a clip. */
async function readPictures(recipe: Recipe, options: TrainOptions, signal: AbortSignal): Promise<Parts> {
  const { images, labels, testImages, testLabels, pictures, testPictures, clip, boxes, region } = options;
  const names = recipe.labels === undefined ? {} : { names: recipe.labels };
  const { picture } = recipe;
  if (clip !== undefined && boxes !== undefined && region !== undefined && recipe.labels !== undefined) {
    const all = await readPeopleInRegion({ clip, boxes, region, labels: recipe.labels, picture, signal });
    const { training, test } = splitByTime(all, options.trainShare);
    const { pastedPeople } = recipe.training;
    if (pastedPeople === undefined) return { training, test };
    const earlier = all.boxes.slice(0, training.classes.length);
    const random = new SeededRandom(options.seed ?? DEFAULT_SEED);
    return { training: joinDatasets(training, pastePeople(training, earlier, pastedPeople, random)), test };
  }
  if (clip !== undefined && labels !== undefined && recipe.labels !== undefined) {
    const where = { signal, ...(region && { region }) };
    return splitByTime(await readClip(clip, labels, recipe.labels, picture, where), options.trainShare);
  }
  if (images !== undefined && labels !== undefined) {
    const all = await readIdxDataset({ images, labels, ...names });
    if (testImages !== undefined && testLabels !== undefined) {
      return {
        training: all,
        test: await readIdxDataset({ images: testImages, labels: testLabels, names: all.labels }),
      };
    }
    const { training, validation } = splitByClass(all, TEST_SHARE, options.seed ?? DEFAULT_SEED);
    return { training, test: validation };
  }
  if (pictures !== undefined) {
    const all = await readPictureFolder({ folder: pictures, picture, ...names, signal });
    if (testPictures !== undefined) {
      const test = await readPictureFolder({ folder: testPictures, picture, names: all.labels, signal });
      return { training: all, test };
    }
    const { training, validation } = splitByClass(all, TEST_SHARE, options.seed ?? DEFAULT_SEED);
    return { training, test: validation };
  }
  throw new NetworkError(
    'NETWORK_TRAINING',
    'nothing to learn from: give --images and --labels (IDX), --pictures (a folder of folders), --clip and --labels, or --clip, --boxes and --region',
  );
}

/** The command that makes this network again; files by their last name, so that no path of this machine is written down. */
function commandLine(recipe: string, options: TrainOptions): string {
  const base = (path: string): string => path.replace(/^.*[\\/](?=.)/, '');
  const words = Object.entries(options).flatMap(([name, value]) => {
    if (name === 'out' || name === 'force' || value === undefined || (name === 'trainShare' && value === 0.6))
      return [];
    const flag = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    const text =
      typeof value === 'object' ? Object.values(value).join(',') : base(String(value).replace(/[\\/]+$/, ''));
    return [`${flag} ${text}`];
  });
  return ['npx blindsight train', base(recipe), ...words].join(' ');
}

/**
 * A recipe that comes along, by name, or a file; mistakes are named with line, column, what was expected and what may have been meant.
 *
 * @throws BlindsightError CONFIG_INVALID, NetworkError NETWORK_TRAINING.
 */
export function readRecipe(fileOrName: string): Promise<Recipe> {
  return loadRecipe(fileOrName, (text, where) =>
    checkRecipe(validateConfig(text, recipeSchema, where).value, where),
  );
}

/** `blindsight train RECIPE`. Stopped in the middle, it writes the best network so far; before the end of the first epoch nothing. */
export async function train(fileOrName: string, options: TrainOptions): Promise<void> {
  const signal = stopSignal();
  const progress = new Progress();
  try {
    await trainByRecipe(fileOrName, options, signal, progress);
    if (!signal.aborted) return;
    process.stderr.write('stopped early; what is written is the best so far\n');
    process.exitCode = EXIT.interrupted;
  } catch (error) {
    progress.end();
    if (!signal.aborted) throw error;
    process.stderr.write('stopped; nothing was written\n');
    process.exitCode = EXIT.interrupted;
  }
}

async function trainByRecipe(
  fileOrName: string,
  options: TrainOptions,
  signal: AbortSignal,
  progress: Progress,
): Promise<void> {
  const given = await readRecipe(fileOrName);
  const { epochs = given.training.epochs, patience = given.training.patience } = options;
  const recipe: Recipe = {
    ...given,
    training: { ...given.training, epochs, ...(patience !== undefined && { patience }) },
  };
  const out = options.out ?? `./${recipe.name}`;
  await checkOut(out, recipe.name, options.force);
  const learned = withBundledClip(fileOrName, options);
  const { training, test } = await readPictures(recipe, learned, signal);
  progress.update(
    'training',
    `${training.classes.length} pictures to learn from, ${test.classes.length} to test on`,
  );
  const { accuracy, majority } = await trainRecipe({
    recipe,
    training,
    test,
    sequence: learned.clip !== undefined,
    out,
    seed: options.seed ?? DEFAULT_SEED,
    command: commandLine(fileOrName, options),
    signal,
    onProgress: epochLines(progress),
  });
  progress.end();
  process.stdout.write(
    `${join(out, `${recipe.name}.onnx`)}: ${percent(accuracy)} of ${test.classes.length} test pictures (the most frequent class alone: ${percent(majority)}); see README.md there\n`,
  );
}
