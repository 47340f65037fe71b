import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { shareText } from '#network/model/share-text.ts';
import type { TrainingSource } from '#network/training/datasets/training-pictures.ts';
import type { EpochReport } from '#network/training/fit-options.ts';
import type { CountedTask } from '#network/training/maps/count-objective.ts';
import type { PlacesTraining } from '#network/training/maps/fit-places.ts';
import { integer, number, numbers, region, share } from '../parse-option.ts';
import type { Progress } from '../progress.ts';
import { type CommandRun, runCommand } from '../run-command.ts';

type TrainOptions = TrainingSource & {
  readonly out?: string;
  readonly force?: boolean;
  readonly seed?: number;
  readonly epochs?: number;
  readonly patience?: number;
  readonly teacher?: string;
  readonly teacherDivide?: number;
  readonly teacherMean?: number[];
  readonly teacherStd?: number[];
  readonly resume?: string;
};

const DEFAULT_SEED = 2026;

/** `blindsight train`: trains a network on unencrypted pictures, on the owner's machine. */
export function registerTrain(program: Command): void {
  program
    .command('train')
    .description('train a network whose activations are squares, ready to be encrypted')
    .argument('<recipe>', 'name of a bundled recipe, or a JSON file of the same form')
    .option('--images <idx>', 'training pictures: IDX file, plain or gzip')
    .option('--labels <file>', 'their classes: IDX file; with --clip, CSV lines "frame,label"')
    .option('--test-images <idx>', 'test pictures (default: a tenth of each class of the training pictures)')
    .option('--test-labels <idx>', 'their classes')
    .option('--pictures <dir>', 'training pictures: one folder per class')
    .option('--test-pictures <dir>', 'test pictures, likewise (default: a tenth of each class)')
    .option('--clip <file>', 'video; its first part is for training, the rest for testing')
    .option(
      '--boxes <csv>',
      'with --clip: boxes (CSV, gt.txt of MOTChallenge, COCO JSON); the class is the number of people, or a map is learned',
    )
    .option('--region <x,y,w,h>', 'with --clip: the part of the frame to look at, in fractions of it', region)
    .option('--train-share <s>', 'with --clip: share of the clip used for training (default: 0.6)', share)
    .option('--out <dir>', 'folder for the network, its card and its learning curve (default: ./<name>)')
    .option('--force', 'overwrite a network in that folder')
    .option('--seed <n>', 'seed of every random choice', integer(0, 2 ** 31 - 1))
    .option('--epochs <n>', 'passes over the training pictures', integer(1, 100_000))
    .option('--patience <n>', 'stop after this many epochs without improvement', integer(1, 100_000))
    .option(
      '--teacher <network>',
      'network whose answers to the same pictures are learned, beside the labels: an ONNX file, or bundled',
    )
    .option('--teacher-divide <n>', 'the teacher was trained on byte / n (default: 255)', number)
    .option(
      '--teacher-mean <m>',
      'what it had subtracted after that; one number, or one per channel',
      numbers,
    )
    .option('--teacher-std <s>', 'and what that was divided by; one number, or one per channel', numbers)
    .option(
      '--resume <file>',
      'keep how far training is in this file, after each epoch, and go on there if it is there',
    )
    .addHelpText(
      'after',
      `
The same recipe, pictures and seed give the same file. Ctrl-C stops early and keeps the best network so far; with --resume the same command goes on later, and comes to what it had come to without a pause. Bundled recipes: counter, e2dm, cryptonets, lenet5, carpark, plaza, cifar10, cifar10-small; for maps, carpark-map and crowd.

Examples:
  blindsight train counter
  blindsight train e2dm --images train-images-idx3-ubyte.gz --labels train-labels-idx1-ubyte.gz \\
      --test-images t10k-images-idx3-ubyte.gz --test-labels t10k-labels-idx1-ubyte.gz
  blindsight train carpark --clip carpark.mp4 --labels presence.csv
  blindsight train carpark-map --clip carpark.mp4 --boxes boxes.csv
  blindsight train my-recipe.json --pictures ./photos --teacher given.onnx --resume my.training`,
    )
    .action((recipe: string, options: TrainOptions) =>
      runCommand((run) => train(recipe, options, run), 'stopped; nothing was written'),
    );
}

/** If stopped, it writes the best network so far; before the end of the first epoch, nothing. */
async function train(fileOrName: string, options: TrainOptions, run: CommandRun): Promise<void> {
  const { signal, progress } = run;
  const { checkOutput } = await import('#network/training/check-output.ts');
  const { readTrainingPictures } = await import('#network/training/datasets/training-pictures.ts');
  const { trainRecipe } = await import('#network/training/train-network.ts');
  const { readRecipe } = await import('../read-recipe.ts');
  const given = await readRecipe(fileOrName);
  const { epochs = given.training.epochs, patience = given.training.patience, seed = DEFAULT_SEED } = options;
  const training = { ...given.training, epochs, ...(patience !== undefined && { patience }) };
  const recipe = { ...given, training };
  const out = options.out ?? `./${recipe.name}`;
  await checkOutput(out, recipe.name, options.force);
  if (recipe.task !== undefined && recipe.task !== 'classification') {
    if (options.teacher !== undefined)
      (await import('#network/training/teacher.ts')).refuseTeacher(recipe.task);
    const command = commandLine(fileOrName, options);
    return trainPlaces(recipe.task, { recipe, out, seed, command }, options, run);
  }
  const teacher = await teacherOf(options);
  const source = await withBundledClip(fileOrName, options);
  // What the card of counter says was found with its own clip.
  const learns = fileOrName === 'counter' && source === options ? { ...recipe, notes: [] } : recipe;
  const pictures = await readTrainingPictures({ ...recipe, ...training }, source, { seed, signal });
  const [learned, tested] = [pictures.training.classes.length, pictures.test.classes.length];
  progress.update('training', `${learned} pictures to learn from, ${tested} to test on`);
  const { accuracy, majority } = await trainRecipe({
    recipe: learns,
    ...pictures,
    sequence: source.clip !== undefined,
    ...(teacher && { teacher }),
    onTeacher: (right) => {
      process.stderr.write(
        `the teacher answers ${shareText(right)} of the test pictures as they are labelled\n`,
      );
    },
    out,
    seed,
    command: commandLine(fileOrName, options),
    signal,
    onProgress: epochLines(progress),
    onStep: (epoch, done) => {
      const share = (epoch - 1 + done) / training.epochs;
      progress.update('training', `epoch ${epoch} of ${training.epochs}: ${shareText(done)}`, share);
    },
    ...(options.resume !== undefined && { resume: await resumeFile(options.resume) }),
  });
  progress.end();
  if (options.resume !== undefined && !signal.aborted) await rm(options.resume, { force: true });
  process.stdout.write(
    `${join(out, `${recipe.name}.onnx`)}: ${shareText(accuracy)} of ${tested} test pictures (the most frequent class alone: ${shareText(majority)}); see README.md there\n`,
  );
  if (signal.aborted) {
    const more =
      options.resume === undefined ? '' : `; the same command goes on where ${options.resume} says`;
    process.stderr.write(`stopped early; the best network so far was written${more}\n`);
  }
}

/** The network to learn from, and how it was fed. */
async function teacherOf({
  teacher,
  teacherDivide: divide,
  teacherMean: mean,
  teacherStd: std,
}: TrainOptions) {
  if (teacher === undefined) return undefined;
  const { loadNetwork } = await import('#network/model/description/load-network.ts');
  const scaling = {
    ...(divide !== undefined && { divide }),
    ...(mean && { mean }),
    ...(std && { deviation: std }),
  };
  return { ...(await loadNetwork(teacher)), scaling };
}

/** The file that keeps how far training is. */
async function resumeFile(file: string) {
  const { writeFileAtomic } = await import('#runtime/files.ts');
  const { refuseFile } = await import('#network/training/checkpoint.ts');
  return {
    load: () =>
      readFile(file).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return null;
        return refuseFile(file, error);
      }),
    save: (state: Uint8Array) =>
      writeFileAtomic(file, state).catch((error: unknown) => refuseFile(file, error)),
  };
}

/** As {@link train}, from a clip with boxes. */
async function trainPlaces(
  task: 'map' | CountedTask,
  work: Pick<PlacesTraining, 'recipe' | 'out' | 'seed' | 'command'>,
  source: TrainingSource,
  { signal, progress }: CommandRun,
): Promise<void> {
  const { readTrainingPlaces } = await import('#network/training/maps/read-training-places.ts');
  const { recipe, out } = work;
  const { training, test } = await readTrainingPlaces(recipe, source, signal);
  const tested = test.places.length;
  progress.update('training', `${training.places.length} pictures to learn from, ${tested} to test on`);
  const file = join(out, `${recipe.name}.onnx`);
  const report = epochLines(progress, task === 'map' ? 'F1' : undefined);
  const places = { ...work, training, test, signal, onProgress: report };
  let told: string;
  if (task === 'map') {
    const { trainMap } = await import('#network/training/maps/train-map.ts');
    const { score } = await trainMap(places);
    told = `F1 ${score.f1.toFixed(3)} on ${tested} later pictures, count off by ${score.countMeanError.toFixed(2)} in the mean and by one at most in ${shareText(score.withinOne)}`;
  } else {
    const { trainCounts } = await import('#network/training/maps/train-counts.ts');
    const { score } = await trainCounts(places, task);
    told = `${shareText(score.right)} of the answers about ${tested} later pictures (always the same: ${shareText(score.always)})`;
  }
  progress.end();
  process.stdout.write(`${file}: ${told}; see README.md there\n`);
  if (signal.aborted) process.stderr.write('stopped early; the best network so far was written\n');
}

/** `counter` learns from the bundled clip if nothing else is given. */
async function withBundledClip(recipe: string, options: TrainOptions): Promise<TrainOptions> {
  const { images, pictures, clip, labels, boxes } = options;
  if (recipe !== 'counter' || (images ?? pictures ?? clip ?? labels ?? boxes) !== undefined) return options;
  const { COUNTER_CLIP } = await import('#demo/simulated-camera.ts');
  return { ...options, clip: COUNTER_CLIP, labels: join(COUNTER_CLIP, '..', 'presence.csv') };
}

function epochLines(progress: Progress, score?: 'F1'): (report: EpochReport) => void {
  const scored = (value: number) => (score === undefined ? shareText(value) : `${score} ${value.toFixed(3)}`);
  return ({ epoch, epochs, loss, trainingScore, validationScore }) =>
    progress.update(
      'training',
      `epoch ${epoch} of ${epochs}: loss ${loss.toFixed(4)}, ${scored(trainingScore)} of the training pictures, ${scored(validationScore)} of the validation pictures`,
      epoch / epochs,
    );
}

/** The command that reproduces this network; files by their base name, so that no path of this machine is recorded. */
function commandLine(recipe: string, options: TrainOptions): string {
  const base = (path: string): string => path.replace(/^.*[\\/](?=.)/, '');
  const words = Object.entries(options).flatMap(([name, value]) => {
    if (
      name === 'out' ||
      name === 'force' ||
      name === 'resume' ||
      value === undefined ||
      (name === 'trainShare' && value === 0.6)
    )
      return [];
    const flag = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    const text =
      typeof value === 'object' ? Object.values(value).join(',') : base(String(value).replace(/[\\/]+$/, ''));
    return [`${flag} ${text}`];
  });
  return ['npx blindsight train', base(recipe), ...words].join(' ');
}
