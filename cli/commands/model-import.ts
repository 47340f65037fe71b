import { stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { Command } from 'commander';
import type { ImportProgress } from '#network/compiler/importing/import-network.ts';
import type { PictureSource } from '#network/training/datasets/labelled-pictures.ts';
import { integer, names, number, numbers, region } from '../parse-option.ts';
import { formatShare, note, printJson } from '../print.ts';
import type { Progress } from '../progress.ts';
import { type CommandRun, runCommand } from '../run-command.ts';

type Options = {
  readonly calibrate: string;
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
      'train with the polynomials in place to recover accuracy (default: enough epochs to see 120 000 pictures)',
      integer(1, 10_000),
    )
    .option(
      '--learning-rate <r>',
      'step of fine-tuning, relative to the weights (default: 0.025, lowered if that is too fast)',
      number,
    )
    .option('--out <file>', 'where to write the network (default: <name>-protected.onnx here)')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Accuracy is measured on every fifth picture (at most 2 000); these are not used to calibrate or train.

Examples:
  blindsight model import mnist.onnx --calibrate train-images-idx3-ubyte.gz --labels train-labels-idx1-ubyte.gz --fine-tune
  blindsight model import network.onnx --calibrate ./photos --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225
  blindsight model import door.onnx --calibrate door.mp4 --labels presence.csv --classes absent,present`,
    )
    .action((network: string, options: Options) =>
      runCommand((run) => importModel(network, options, run), 'stopped; nothing was written'),
    );
}

const VIDEO = /\.(mp4|mkv|mov|avi|webm|ts)$/i;

/** `--calibrate` names an IDX file, a folder or a clip. */
async function sourceOf(options: Options, known?: readonly string[]): Promise<PictureSource> {
  const { calibrate, labels, classes = known, region, pad, limit } = options;
  const kind = (await stat(calibrate)).isDirectory() ? 'pictures' : VIDEO.test(calibrate) ? 'clip' : 'images';
  return {
    [kind]: calibrate,
    ...(labels !== undefined && { labels }),
    // An IDX file has class numbers; they get names only on request.
    ...(classes && (kind !== 'images' || options.classes) && { classes }),
    ...(region && { region }),
    ...(pad !== undefined && { pad }),
    ...(limit !== undefined && { limit }),
  };
}

function importLines(progress: Progress): (report: ImportProgress) => void {
  return (report) => {
    const { step } = report;
    if (step === 'approximated') {
      const { caption, node, method, degree, accuracy } = report.layer;
      const text = `${caption} → ${method}, degree ${degree}: ${formatShare(accuracy)}`;
      progress.update(`approximating ${node}`, text);
    } else if (step === 'slower') {
      const text = `the loss diverged; trying again at a learning rate of ${report.learningRate}`;
      progress.update('slower', text);
    } else {
      const loss = step === 'fine-tuning' ? `: loss ${report.loss.toFixed(4)}` : '';
      progress.update(step, `${step}, ${Math.round(100 * report.done)} %${loss}`, report.done);
    }
  };
}

async function importModel(file: string, options: Options, { signal, progress }: CommandRun): Promise<void> {
  const { divide, mean, std, degree, tolerance, fineTune, learningRate } = options;
  const { importNetwork } = await import('#network/compiler/importing/import-network.ts');
  const { ImportRefused } = await import('#network/compiler/importing/import-refused.ts');
  const { importJson, importText } = await import('#network/compiler/importing/import-report.ts');
  const { checkImportName, writeImport } = await import('#network/compiler/importing/write-import.ts');
  const { adaptPictureInput } = await import('#network/compiler/rewrite/picture-input.ts');
  const { loadNetwork } = await import('#network/model/description/load-network.ts');
  const { labelsOf, readLabelledPictures } = await import('#network/training/datasets/labelled-pictures.ts');
  const { normalizeDataset } = await import('#network/training/datasets/normalize-dataset.ts');
  const { checkOutput } = await import('#network/training/check-output.ts');
  const { fineTuner } = await import('#network/training/fine-tuner.ts');
  const network = await loadNetwork(file);
  const out = options.out ?? `${network.name}-protected.onnx`;
  // Fail now rather than after an hour of fine-tuning.
  checkImportName(out);
  await checkOutput(dirname(out), basename(out, '.onnx'), true);
  progress.update('reading', `reading ${options.calibrate}`);
  const source = await sourceOf(options, network.labels);
  const dataset = normalizeDataset(await readLabelledPictures(network.graph, source, signal), network);
  const graph = adaptPictureInput(network.graph, dataset.picture, {
    ...(divide !== undefined && { divide }),
    ...(mean && { mean }),
    ...(std && { deviation: std }),
  });
  const labels = labelsOf(graph, dataset, network.labels ?? options.classes, source.images === undefined);
  progress.update('given', `measuring on ${dataset.classes.length} pictures`);
  const described = {
    labels,
    source: basename(file),
    ...(network.light && { light: network.light }),
  };
  const imported = await importNetwork(graph, {
    calibration: dataset,
    degree,
    tolerance: tolerance / 100,
    ...(fineTune !== undefined && {
      fineTune: fineTuner({
        ...(fineTune !== true && { epochs: fineTune }),
        ...(learningRate !== undefined && { learningRate }),
      }),
    }),
    signal,
    onProgress: importLines(progress),
  }).catch(async (error: unknown) => {
    if (error instanceof ImportRefused && fineTune !== undefined) {
      const kept = out.replace(/\.onnx$/, '-refused.onnx');
      await writeImport(kept, error.imported, described);
      progress.end();
      note(`the fine-tuned network is kept as ${kept}, in case you accept the loss`);
    }
    throw error;
  });
  await writeImport(out, imported, described);
  progress.end();
  if (options.json) printJson({ network: out, ...importJson(imported) });
  else process.stdout.write(`${importText(imported)}\nwritten: ${out}\n`);
}
