import { type Command, Option } from 'commander';
import { EQUAL_LABELS, type OutputPolicy } from '#protocol/output-policy.ts';
import { type OutputOptions, outputPolicy, outputStep } from '../output-option.ts';
import { integer, powerOfTwo } from '../parse-option.ts';
import { formatBytes, totalBytes } from '../print.ts';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

type Options = OutputOptions & {
  readonly name?: string;
  readonly pictures?: number;
  readonly regions?: number;
  readonly output?: OutputPolicy['output'];
  readonly data: string;
};

/** `blindsight model protect NETWORK`: a bundled network by name, or an ONNX file. */
export function registerModelProtect(model: Command): void {
  model
    .command('protect')
    .description('compile a network to a ciphertext program and encrypt every parameter under a new key')
    .argument('<network>', 'name of a bundled network (counter), or an ONNX file')
    .option('--name <name>', 'name of the model in this site (default: that of the network)')
    .option(
      '--pictures <n>',
      'pictures that one ciphertext answers about, of several cameras of a gateway or regions of one, a power of two (default: 1)',
      powerOfTwo(64),
    )
    .addOption(
      new Option('--regions <n>', 'the same as --pictures').argParser(powerOfTwo(64)).conflicts('pictures'),
    )
    .addOption(
      new Option(
        '--output <kind>',
        'what its answers tell: rounded probabilities, the label, or events, which are changes of the label (default: as the version before, else rounded)',
      ).choices(['rounded', 'label', 'event']),
    )
    .option('--step <share>', 'of rounded probabilities (default: 0.05)', outputStep)
    .option(
      '--equal <n>',
      `equal labels among the latest 2n - 1 that make an event (default: ${EQUAL_LABELS.byDefault})`,
      integer(EQUAL_LABELS.least, EQUAL_LABELS.most),
    )
    .option(...SITE_OPTION)
    .addHelpText('after', '\nExample:\n  blindsight model protect counter --name entrance')
    .action((network: string, { name, regions, pictures = regions, output, data, ...finer }: Options) =>
      runCommand(async ({ progress }) => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { protectModel } = await import('#backend/operations/protect-model.ts');
        const made = await withSite(data, (site) =>
          protectModel({
            site,
            network,
            ...(name !== undefined && { name }),
            ...(pictures !== undefined && { regions: pictures }),
            ...(output !== undefined && { output: outputPolicy(output, finer) }),
            onProgress: (text, share) => progress.update('protecting', text, share),
          }),
        );
        progress.end();
        const selfTest = totalBytes(made.parts.filter((part) => part.name === 'self-test'));
        process.stdout.write(
          `${made.name} version ${made.version}: every parameter is encrypted, ${formatBytes(totalBytes(made.parts))} to deploy, ${formatBytes(selfTest)} of which are a self-test\n`,
        );
      }),
    );
}
