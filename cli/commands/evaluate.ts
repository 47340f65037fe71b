import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Command, Option } from 'commander';
import type { EngineKind } from '#backend/evaluation/answerer.ts';
import type { EvaluationProgress } from '#backend/evaluation/evaluate-network.ts';
import type { PreparedEvaluation } from '#backend/evaluation/prepare-evaluation.ts';
import { shareText } from '#network/model/share-text.ts';
import type { PictureSource } from '#network/training/datasets/labelled-pictures.ts';
import { BlindsightError } from '#protocol/errors.ts';
import { integer, names, number, numbers, powerOfTwo, region, share } from '../parse-option.ts';
import { note, printJson } from '../print.ts';
import type { Progress } from '../progress.ts';
import { type CommandRun, runCommand } from '../run-command.ts';
import { type ClipOptions, evaluateOnClip, zone } from './evaluate-clip.ts';

/** A median of fewer frames says little. */
const FEWEST_FRAMES = 5;

type EvaluateOptions = ClipOptions & {
  readonly images?: string;
  readonly pictures?: string;
  readonly labels?: string;
  readonly classes?: readonly string[];
  readonly region?: { x: number; y: number; width: number; height: number };
  readonly trainShare?: number;
  readonly divide?: number;
  readonly mean?: number[];
  readonly std?: number[];
  readonly pad?: number;
  readonly limit?: number;
  readonly calibrate?: string;
  readonly regions?: number;
  readonly memory?: number;
  readonly disk?: string;
  readonly engine: 'engine' | 'reference' | 'clear' | 'original';
  readonly json?: boolean;
};

/** `blindsight evaluate`: shows on labelled pictures that the encrypted network answers like the unencrypted one. */
export function registerEvaluate(program: Command): void {
  program
    .command('evaluate')
    .description(
      'encrypt a network and labelled pictures, and compare the decrypted answers with the original network and its polynomial form',
    )
    .argument('<network>', 'name of a bundled network, an ONNX file, or the folder that training wrote')
    .option('--images <idx>', 'labelled pictures: IDX file, plain or gzip (with --labels)')
    .option('--pictures <dir>', 'labelled pictures: one folder per class')
    .option('--clip <file>', 'labelled pictures: video (with --labels, or --boxes and --region)')
    .option('--labels <file>', 'classes of the pictures: IDX file; for a clip, CSV lines "frame,label"')
    .option(
      '--classes <names>',
      'names of the classes, in the order of the outputs: absent,present (default: those of the network)',
      names,
    )
    .option(
      '--boxes <file>',
      'for a clip: boxes of what is to be found, CSV, gt.txt of MOTChallenge or COCO JSON; for a classification, the class is the number of people',
    )
    .option('--region <x,y,w,h>', 'for a clip: the part of the frame to look at, in fractions of it', region)
    .option(
      '--from <s>',
      'for a clip: start at this share of it, after what was used for training: 0.6',
      share,
    )
    .addOption(new Option('--train-share <s>', 'the same as --from').argParser(share).hideHelp())
    .option('--zone <zone>', 'for a map, again and again: count there, too: "gate 0,0 0.5,0 0.5,1"', zone)
    .option('--report <dir>', 'for a map: draw precision and recall, counts over time and frames into it')
    .option('--divide <n>', 'the network was trained on byte / n (default: 255)', number)
    .option('--mean <m>', 'subtracted after dividing; one number, or one per channel: 0.4,0.5,0.4', numbers)
    .option('--std <s>', 'then divided by this; one number, or one per channel', numbers)
    .option('--pad <n>', 'black pixels to add on every side', integer(0, 64))
    .option('--limit <n>', 'use the first n pictures only', integer(1, 2 ** 31 - 1))
    .option('--calibrate <idx>', 'pictures to measure ranges on (default: ranges recorded in training)')
    .option(
      '--regions <n>',
      'pictures that one ciphertext answers, a power of two (default: 1)',
      powerOfTwo(64),
    )
    .addOption(
      new Option(
        '--engine <kind>',
        'what evaluates: our kernel, Microsoft SEAL, or the same program without encryption; original: the network as it is, nothing approximated',
      )
        .choices(['engine', 'reference', 'clear', 'original'])
        .default('engine'),
    )
    .option(
      '--memory <MB>',
      'for a classification: most memory of the engine; what does not fit is read from disk for every picture (default: 4096)',
      integer(1, 4096),
    )
    .option(
      '--disk <dir>',
      'where that lies (default: beside the network; for a bundled one the folder that the command is given in)',
    )
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Examples:
  blindsight evaluate e2dm --images t10k-images-idx3-ubyte.gz --labels t10k-labels-idx1-ubyte.gz
  blindsight evaluate door.onnx --clip door.mp4 --labels presence.csv --from 0.6
  blindsight evaluate ./crowd --clip plaza.mp4 --boxes people.csv --from 0.6 --report ./crowd/report
  blindsight evaluate ./queue --clip queue.mp4 --boxes people.csv --from 0.6    (also where it counts, or says which labels hold)
  blindsight evaluate network.onnx --pictures ./photos --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225
  blindsight evaluate network.onnx --images images.idx --labels labels.idx --pad 2 --mean 0.1307 --std 0.3081`,
    )
    .action((network: string, options: EvaluateOptions) =>
      runCommand((run) => evaluate(network, options, run), 'stopped before the first picture'),
    );
}

/** Pictures that the options name, as one description. */
function sourceOf(options: EvaluateOptions): PictureSource {
  const {
    images,
    pictures,
    clip,
    labels,
    boxes,
    region: part,
    classes,
    trainShare,
    from,
    pad,
    limit,
  } = options;
  const start = from ?? trainShare;
  return {
    ...(images !== undefined && { images }),
    ...(pictures !== undefined && { pictures }),
    ...(clip !== undefined && { clip }),
    ...(labels !== undefined && { labels }),
    ...(boxes !== undefined && { boxes }),
    ...(part && { region: part }),
    ...(classes && { classes }),
    ...(start !== undefined && { trainShare: start }),
    ...(pad !== undefined && { pad }),
    ...(limit !== undefined && { limit }),
  };
}

/** When stopped (Ctrl-C), it reports what it has measured so far. */
async function evaluate(network: string, options: EvaluateOptions, run: CommandRun): Promise<void> {
  const { loadNetwork } = await import('#network/model/description/load-network.ts');
  const named = await loadNetwork(network);
  const task = named.task ?? 'classification';
  const stray =
    task === 'map' ? undefined : options.report === undefined ? options.zone && '--zone' : '--report';
  if (stray !== undefined) {
    throw new BlindsightError(
      'NETWORK_DATA',
      `${stray} is for a map, and the task of ${named.name} is ${task}`,
    );
  }
  if (task === 'classification') await evaluatePictures(network, options, run);
  else await evaluateOnClip(named, options, run);
}

async function evaluatePictures(
  network: string,
  options: EvaluateOptions,
  { signal, progress }: CommandRun,
): Promise<void> {
  const { divide, mean, std, calibrate, engine } = options;
  const { prepareEvaluation } = await import('#backend/evaluation/prepare-evaluation.ts');
  const prepared = await prepareEvaluation(
    {
      network,
      source: sourceOf(options),
      scaling: {
        ...(divide !== undefined && { divide }),
        ...(mean && { mean }),
        ...(std && { deviation: std }),
      },
      ...(calibrate !== undefined && { calibrate }),
      polynomial: engine !== 'original',
    },
    {
      signal,
      onLayer: ({ node, caption, method, degree, accuracy }) =>
        progress.update(
          `approximating ${node}`,
          `${caption} → ${method}, degree ${degree}: ${shareText(accuracy)} of the calibration pictures`,
        ),
    },
  );
  const run = { signal, progress };
  if (engine === 'original') await measureOriginal(prepared, options, run);
  else
    await measureProgram(
      prepared,
      engine,
      { ...options, disk: options.disk ?? (await folderOf(network)) },
      run,
    );
}

/** Where the files of a network are; a bundled one has no folder to write to. */
async function folderOf(network: string): Promise<string> {
  const found = await stat(network).catch(() => null);
  if (found === null) return process.cwd();
  return found.isDirectory() ? network : dirname(network);
}

/** `--engine original`: the baseline for protection. */
async function measureOriginal(
  { original, labels, dataset }: PreparedEvaluation,
  { json }: EvaluateOptions,
  { signal, progress }: CommandRun,
): Promise<void> {
  const { answerPictures } = await import('#network/model/run/answer-pictures.ts');
  const { confusionTable } = await import('#network/model/confusion.ts');
  const total = dataset.classes.length;
  const { images, accuracy, confusion } = await answerPictures(original, dataset, {
    signal,
    onProgress: (done) => progress.update('original', `${done} of ${total} pictures`, done / total),
  });
  progress.end();
  tellStop(signal, images);
  if (json) return printJson({ images, clearAccuracy: accuracy });
  const right = `${shareText(accuracy)} (${Math.round(accuracy * images)} of ${images} pictures)`;
  process.stdout.write(`${right}, as the network was given\n\n${confusionTable(confusion, labels)}\n`);
}

async function measureProgram(
  { name, original, graph, approximated, labels, dataset, ranges, calibration }: PreparedEvaluation,
  engine: EngineKind,
  { regions, memory, disk, json }: EvaluateOptions,
  { signal, progress }: CommandRun,
): Promise<void> {
  const { evaluateNetwork } = await import('#backend/evaluation/evaluate-network.ts');
  const { evaluationJson, evaluationText } = await import('#backend/evaluation/report.ts');
  const { RememberedRun } = await import('#backend/evaluation/remembered-run.ts');
  const frames = Math.ceil(dataset.classes.length / (regions ?? 1));
  // What a bound on memory costs is nothing that `explain` estimates.
  const isTypical = engine === 'engine' && memory === undefined && frames >= FEWEST_FRAMES;
  const remembered = isTypical ? new RememberedRun(frames) : null;
  const evaluation = await evaluateNetwork({
    name,
    graph,
    ...(approximated && { original }),
    labels,
    dataset,
    ...(ranges && { ranges }),
    ...(calibration && { calibration }),
    engine,
    ...(regions !== undefined && { regions }),
    ...(memory !== undefined && { memoryBytes: memory * 2 ** 20 }),
    ...(disk !== undefined && { folder: disk }),
    signal,
    onProgress: evaluationLines(progress, engine, approximated),
    ...(remembered && { beforeFrame: (program) => remembered.beforeFrame(program) }),
  }).finally(() => remembered?.close());
  await remembered?.keep(evaluation, note);
  progress.end();
  tellStop(signal, evaluation.images);
  if (json) printJson(evaluationJson(evaluation));
  else process.stdout.write(evaluationText(evaluation));
}

function tellStop(signal: AbortSignal, images: number): void {
  if (signal.aborted) process.stderr.write(`stopped after ${images} pictures\n`);
}

/** How a share of right answers is written in a progress line. */
function evaluationLines(
  progress: Progress,
  engine: EngineKind,
  approximated: boolean,
): (report: EvaluationProgress) => void {
  const clear = engine === 'clear';
  return ({ step, share, done, images, clearAccuracy, polynomialAccuracy, encryptedAccuracy }) => {
    const text = {
      compiling: `compiling the network to a ${clear ? '' : 'ciphertext '}program`,
      encrypting: 'making keys, encrypting every parameter',
      loading: 'loading, and a first picture that is not counted',
      measuring: [
        `${done} of ${images} pictures: ${shareText(encryptedAccuracy)} right ${clear ? 'as program' : 'encrypted'}`,
        ...(approximated ? [`${shareText(polynomialAccuracy)} as polynomial`] : []),
        `${shareText(clearAccuracy)} as given`,
      ].join(', '),
    }[step];
    progress.update(step, text, share);
  };
}
