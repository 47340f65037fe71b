import { type Command, Option } from 'commander';
import type { ImportProgress } from '#network/compiler/importing/import-network.ts';
import { ANSWER_TASKS, type AnswerTask } from '#network/model/description/answer-task.ts';
import { shareText } from '#network/model/share-text.ts';
import { integer, names, number, numbers, region } from '../parse-option.ts';
import { note, printJson } from '../print.ts';
import type { Progress } from '../progress.ts';
import { type CommandRun, runCommand } from '../run-command.ts';

type Options = {
  readonly calibrate: string;
  readonly task?: AnswerTask;
  readonly boxes?: string;
  readonly motion?: number;
  readonly labels?: string;
  readonly classes?: readonly string[];
  readonly region?: { x: number; y: number; width: number; height: number };
  readonly divide?: number;
  readonly mean?: number[];
  readonly std?: number[];
  readonly pad?: number;
  readonly limit?: number;
  readonly degree: number;
  readonly tolerance: number;
  /** Epochs; true: the importer chooses. */
  readonly fineTune?: true | number;
  readonly learningRate?: number;
  readonly resume?: string;
  readonly out?: string;
  readonly json?: boolean;
};

function percentagePoints(text: string): number {
  return Math.min(100, Math.max(0, number(text)));
}

/** `blindsight model import`: turns any network into one that can be encrypted. */
export function registerModelImport(model: Command): void {
  model
    .command('import')
    .description(
      'approximate what encryption cannot compute (ReLU, maxima …) by polynomials, report the effect, and write a network that can be protected',
    )
    .argument('<network>', 'an ONNX file')
    .requiredOption(
      '--calibrate <data>',
      'labelled pictures: IDX file (with --labels), folder with one folder per class, or clip (with --labels, --classes)',
    )
    .addOption(
      new Option(
        '--task <task>',
        'what the outputs mean; all but a classification need a clip and --boxes',
      ).choices(ANSWER_TASKS),
    )
    .option('--boxes <file>', 'for the other tasks: boxes of what is to be found in the clip')
    .option(
      '--motion <seconds>',
      'the last channel is motion against a background with this time constant',
      number,
    )
    .option('--labels <file>', 'classes of the pictures: IDX file; for a clip, CSV lines "frame,label"')
    .option('--classes <names>', 'names of the classes, in the order of the outputs: absent,present', names)
    .option('--region <x,y,w,h>', 'for a clip: the part of the frame to look at, in fractions of it', region)
    .option('--divide <n>', 'the network was trained on byte / n (default: 255)', number)
    .option('--mean <m>', 'subtracted after dividing; one number, or one per channel', numbers)
    .option('--std <s>', 'then divided by this; one number, or one per channel', numbers)
    .option('--pad <n>', 'black pixels to add on every side', integer(0, 64))
    .option('--limit <n>', 'use the first n pictures only', integer(1, 2 ** 31 - 1))
    .option(
      '--degree <d>',
      'degree of the polynomials; 2 costs one level, 3 and 4 cost three, 5 to 8 four',
      integer(2, 12),
      2,
    )
    .option('--tolerance <pp>', 'accepted loss of accuracy, in percentage points', percentagePoints, 1)
    .option(
      '--fine-tune [epochs]',
      'train while activations are replaced, one after the other, to recover accuracy (default: enough epochs to see 240 000 pictures; for a degree above 2, and with polynomials all in place, 120 000)',
      integer(1, 10_000),
    )
    .option(
      '--learning-rate <r>',
      'step of fine-tuning, relative to the weights (default: 0.01, 0.025 for a degree above 2; lowered if that is too fast)',
      number,
    )
    .option(
      '--resume <file>',
      'with --fine-tune: keep the state of training here, once a minute and when it is stopped, and go on from it if it is there',
    )
    .option('--out <file>', 'where to write the network (default: <name>-protected.onnx here)')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Accuracy is measured on every fifth picture (at most 2 000); these are not used to calibrate or train.

Fine-tuning replaces each activation by quadratics, one for each of its maps, and learns the labels and the given network's own answers.

Examples:
  blindsight model import mnist.onnx --calibrate train-images-idx3-ubyte.gz --labels train-labels-idx1-ubyte.gz --fine-tune
  blindsight model import network.onnx --calibrate ./photos --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225 --fine-tune --resume network.state
  blindsight model import door.onnx --calibrate door.mp4 --labels presence.csv --classes absent,present
  blindsight model import square.onnx --task map --calibrate square.mp4 --boxes people.csv --classes person --motion 20`,
    )
    .action((network: string, options: Options) =>
      runCommand(
        (run) => importModel(network, options, run),
        'stopped; nothing was written, but what --resume keeps',
      ),
    );
}

function importLines(progress: Progress): (report: ImportProgress) => void {
  return (report) => {
    const { step } = report;
    if (step === 'approximated') {
      const { caption, node, method, degree, accuracy } = report.layer;
      const text = `${caption} → ${method}, degree ${degree}: ${shareText(accuracy)}`;
      progress.update(`approximating ${node}`, text);
    } else if (step === 'slower') {
      const text = `the loss diverged; trying again at a learning rate of ${report.learningRate}`;
      progress.update('slower', text);
    } else if (step === 'resumed') {
      progress.update(step, `going on from ${Math.round(100 * report.done)} % of fine-tuning`);
    } else if (step === 'fine-tuning') {
      const { done, loss, replaced, of } = report;
      const stage = replaced === undefined ? '' : `, ${replaced} of ${of} activations replaced`;
      progress.update(step, `${step}, ${Math.round(100 * done)} %: loss ${loss.toFixed(4)}${stage}`, done);
    } else {
      progress.update(step, `${step}, ${Math.round(100 * report.done)} %`, report.done);
    }
  };
}

/** As {@link importModel}, of a network that is calibrated on a clip with boxes. */
async function importWithBoxes(
  network: string,
  task: Exclude<AnswerTask, 'classification'>,
  options: Options,
  { signal, progress }: CommandRun,
): Promise<void> {
  const { calibrate, boxes, classes, region: part, motion, divide, mean, std, out: wanted } = options;
  const ignored = (['labels', 'pad', 'limit', 'fineTune', 'learningRate', 'resume'] as const).find(
    (name) => options[name] !== undefined,
  );
  const { importPlaces } = await import('#network/training/maps/import-places.ts');
  progress.update('reading', `reading ${calibrate}`);
  const { out, score, pictures, meaning } = await importPlaces(
    {
      ...{ network, task, clip: calibrate },
      ...(boxes !== undefined && { boxes }),
      ...(ignored && { ignored }),
      ...(classes && { labels: classes }),
      ...(motion !== undefined && { motionSeconds: motion }),
      ...(part && { region: part }),
      scaling: {
        ...(divide !== undefined && { divide }),
        ...(mean && { mean }),
        ...(std && { deviation: std }),
      },
      ...(wanted !== undefined && { out: wanted }),
    },
    { signal, onPictures: (count) => progress.update('given', `measuring on ${count} pictures`) },
  );
  progress.end();
  if (options.json) return printJson({ network: out, ...meaning, pictures, score });
  const scored = task === 'map' ? `F1 ${score.toFixed(3)}` : `${shareText(score)} right`;
  process.stdout.write(`${task}: ${scored} on ${pictures} pictures of the clip\nwritten: ${out}\n`);
}

async function importModel(
  network: string,
  options: Options,
  { signal, progress }: CommandRun,
): Promise<void> {
  const { task = 'classification' } = options;
  if (task !== 'classification') return importWithBoxes(network, task, options, { signal, progress });
  const { calibrate, labels, classes, region: part, pad, limit, divide, mean, std } = options;
  const { degree, tolerance, fineTune, learningRate, resume, out: wanted } = options;
  const { importFile } = await import('#network/training/import-file.ts');
  const { importJson, importText } = await import('#network/compiler/importing/import-report.ts');
  progress.update('reading', `reading ${calibrate}`);
  const { out, imported } = await importFile(
    {
      network,
      calibrate,
      source: {
        ...(labels !== undefined && { labels }),
        ...(classes && { classes }),
        ...(part && { region: part }),
        ...(pad !== undefined && { pad }),
        ...(limit !== undefined && { limit }),
      },
      scaling: {
        ...(divide !== undefined && { divide }),
        ...(mean && { mean }),
        ...(std && { deviation: std }),
      },
      degree,
      tolerance: tolerance / 100,
      ...(fineTune !== undefined && {
        fineTune: {
          ...(fineTune !== true && { epochs: fineTune }),
          ...(learningRate !== undefined && { learningRate }),
        },
      }),
      ...(resume !== undefined && { resume }),
      ...(wanted !== undefined && { out: wanted }),
    },
    {
      signal,
      onPictures: (count) => progress.update('given', `measuring on ${count} pictures`),
      onProgress: importLines(progress),
      onKept: (file) => {
        progress.end();
        note(`the fine-tuned network is kept as ${file}, in case you accept the loss`);
      },
    },
  );
  progress.end();
  if (options.json) printJson({ network: out, ...importJson(imported) });
  else process.stdout.write(`${importText(imported)}\nwritten: ${out}\n`);
}
