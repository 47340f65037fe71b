import { type Command, Option } from 'commander';
import { integer, number, numbers, powerOfTwo } from '../parse-option.ts';

/** Options of `blindsight evaluate`. */
export type EvaluateOptions = {
  readonly images: string;
  readonly labels: string;
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
      'encrypt a network and labelled pictures, and compare the decrypted answers with the clear network',
    )
    .argument('<network>', 'name of a bundled network, or an ONNX file')
    .requiredOption('--images <idx>', 'pictures: IDX file, plain or gzip')
    .requiredOption('--labels <idx>', 'their classes: IDX file, plain or gzip')
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
  blindsight evaluate network.onnx --images images.idx --labels labels.idx --pad 2 --mean 0.1307 --std 0.3081`,
    )
    .action(async (network: string, options: EvaluateOptions) => {
      const { evaluate } = await import('../operations/evaluate.ts');
      await evaluate(network, options);
    });
}
