import type { Command } from 'commander';
import { integer, names, number, numbers, region } from '../parse-option.ts';

/** Options of `blindsight model import`. */
export type ModelImportOptions = {
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
  /** Epochs; true: as many as the importer finds right. */
  readonly fineTune?: true | number;
  readonly learningRate?: number;
  readonly out?: string;
  readonly json?: boolean;
};

function percentagePoints(text: string): number {
  return Math.min(100, Math.max(0, number(text)));
}

/** `blindsight model import`: a network of others becomes one that can be encrypted. */
export function registerModelImport(model: Command): void {
  model
    .command('import')
    .description(
      'approximate what encryption cannot compute (ReLU, maxima …) by polynomials, report what that does, write a network that can be protected',
    )
    .argument('<network>', 'an ONNX file')
    .requiredOption(
      '--calibrate <data>',
      'labelled pictures: IDX file (with --labels), folder with one folder a class, or clip (with --labels, --classes)',
    )
    .option('--labels <file>', 'classes of the pictures: IDX file; for a clip, CSV lines "frame,label"')
    .option('--classes <names>', 'names of the classes, in the order of the outputs: absent,present', names)
    .option('--region <x,y,w,h>', 'for a clip: the part of the frame to look at, in fractions of it', region)
    .option('--divide <n>', 'the network was trained on byte / n (default: 255)', number)
    .option('--mean <m>', 'taken off after dividing; one number, or one for each channel', numbers)
    .option('--std <s>', 'divided by after that; one number, or one for each channel', numbers)
    .option('--pad <n>', 'black pixels to add on every side', integer(0, 64))
    .option('--limit <n>', 'use the first n pictures only', integer(1, 2 ** 31 - 1))
    .option(
      '--degree <d>',
      'degree of the polynomials; 2 takes one level, 3 and 4 take three, 5 to 8 four',
      integer(2, 12),
      2,
    )
    .option(
      '--tolerance <pp>',
      'loss of accuracy that is accepted, in percentage points',
      percentagePoints,
      1,
    )
    .option(
      '--fine-tune [epochs]',
      'train with the polynomials in place and win accuracy back (default: as many epochs as see 120 000 pictures)',
      integer(1, 10_000),
    )
    .option(
      '--learning-rate <r>',
      'step of fine-tuning, relative to the weights (default: 0.025, and less where that is too fast)',
      number,
    )
    .option('--out <file>', 'where to write the network (default: <name>-protected.onnx here)')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Accuracy is measured on every fifth of the pictures (at most 2 000), which neither calibrate nor train.

Examples:
  blindsight model import mnist.onnx --calibrate train-images-idx3-ubyte.gz --labels train-labels-idx1-ubyte.gz --fine-tune
  blindsight model import network.onnx --calibrate ./photos --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225
  blindsight model import door.onnx --calibrate door.mp4 --labels presence.csv --classes absent,present`,
    )
    .action(async (network: string, options: ModelImportOptions) => {
      const { importModel } = await import('../operations/import-model.ts');
      await importModel(network, options);
    });
}
