import { Argument, type Command } from 'commander';
import { EQUAL_LABELS, type OutputPolicy } from '#protocol/output-policy.ts';
import { outputWords } from '#protocol/output-words.ts';
import { type OutputOptions, outputPolicy, outputStep } from '../output-option.ts';
import { integer } from '../parse-option.ts';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

type Options = OutputOptions & { readonly data: string; readonly version?: number };

/** `blindsight model output MODEL rounded|label|event`. */
export function registerModelOutput(model: Command): void {
  model
    .command('output')
    .description('say how much of the answers of a network the backend lets out, from now on')
    .argument('<model>')
    .addArgument(
      new Argument(
        '<output>',
        'rounded: probabilities in steps; label: the label alone; event: changes of the label',
      ).choices(['rounded', 'label', 'event']),
    )
    .option('--step <share>', 'of rounded probabilities (default: 0.05)', outputStep)
    .option(
      '--equal <n>',
      `equal labels among the latest 2n - 1 that make an event (default: ${EQUAL_LABELS.byDefault})`,
      integer(EQUAL_LABELS.least, EQUAL_LABELS.most),
    )
    .option('--version <n>', 'which version of it (default: the newest)', integer(1, 2 ** 31 - 1))
    .option(...SITE_OPTION)
    .addHelpText('after', '\nExample:\n  blindsight model output counter event')
    .action((name: string, output: OutputPolicy['output'], { data, version, ...options }: Options) =>
      runCommand(async () => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { changeOutput } = await import('#backend/operations/change-output.ts');
        const changed = await withSite(data, (site) =>
          changeOutput({
            site,
            model: name,
            output: outputPolicy(output, options),
            ...(version !== undefined && { version }),
          }),
        );
        process.stdout.write(
          `${changed.name} version ${changed.version}: its answers tell ${outputWords(changed.output, changed.interpretation.task)}.\n`,
        );
      }),
    );
}
