import { type Command, Option } from 'commander';
import { integer, names, number, numbers, powerOfTwo, region, share } from '../parse-option.ts';

/** Options of `blindsight evaluate`. */
export type EvaluateOptions = {
  readonly images?: string;
  readonly pictures?: string;
  readonly clip?: string;
  readonly labels?: string;
  readonly classes?: readonly string[];
  readonly boxes?: string;
  readonly region?: { x: number; y: number; width: number; height: number };
  readonly trainShare?: number;
  readonly divide?: number;
  readonly mean?: number[];
  readonly std?: number[];
  readonly pad?: number;
  readonly limit?: number;
  readonly calibrate?: string;
  readonly regions?: number;
  readonly engine: 'engine' | 'reference' | 'clear' | 'original';
  readonly json?: boolean;
};

/** `blindsight evaluate`: proves on labelled pictures that the encrypted network answers like the clear one. */
export function registerEvaluate(program: Command): void {
  program
    .command('evaluate')
    .description(
      'encrypt a network and labelled pictures, and compare the decrypted answers with the network as given and as polynomial',
    )
    .argument('<network>', 'name of a bundled network, or an ONNX file')
    .option('--images <idx>', 'labelled pictures: IDX file, plain or gzip (with --labels)')
    .option('--pictures <dir>', 'labelled pictures: one folder a class')
    .option('--clip <file>', 'labelled pictures: video (with --labels, or --boxes and --region)')
    .option('--labels <file>', 'classes of the pictures: IDX file; for a clip, CSV lines "frame,label"')
    .option(
      '--classes <names>',
      'names of the classes, in the order of the outputs: absent,present (default: those of the network)',
      names,
    )
    .option('--boxes <csv>', 'for a clip: boxes "frame,person,x,y,width,height"; the classes are how many')
    .option('--region <x,y,w,h>', 'for a clip: the part of the frame to look at, in fractions of it', region)
    .option('--train-share <s>', 'for a clip: leave out its earlier part, which was trained on: 0.6', share)
    .option('--divide <n>', 'the network was trained on byte / n (default: 255)', number)
    .option(
      '--mean <m>',
      'taken off after dividing; one number, or one for each channel: 0.4,0.5,0.4',
      numbers,
    )
    .option('--std <s>', 'divided by after that; one number, or one for each channel', numbers)
    .option('--pad <n>', 'black pixels to add on every side', integer(0, 64))
    .option('--limit <n>', 'use the first n pictures only', integer(1, 2 ** 31 - 1))
    .option('--calibrate <idx>', 'pictures to measure ranges on (default: what was written down in training)')
    .option(
      '--regions <n>',
      'pictures that one ciphertext answers, a power of two (default: 1)',
      powerOfTwo(64),
    )
    .addOption(
      new Option(
        '--engine <kind>',
        'who evaluates: our kernel, Microsoft SEAL, or the same program without encryption; original: the network as it is, nothing approximated',
      )
        .choices(['engine', 'reference', 'clear', 'original'])
        .default('engine'),
    )
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Examples:
  blindsight evaluate e2dm --images t10k-images-idx3-ubyte.gz --labels t10k-labels-idx1-ubyte.gz
  blindsight evaluate door.onnx --clip door.mp4 --labels presence.csv --train-share 0.6
  blindsight evaluate network.onnx --pictures ./photos --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225
  blindsight evaluate network.onnx --images images.idx --labels labels.idx --pad 2 --mean 0.1307 --std 0.3081`,
    )
    .action(async (network: string, options: EvaluateOptions) => {
      const { evaluate } = await import('../operations/evaluate.ts');
      await evaluate(network, options);
    });
}
