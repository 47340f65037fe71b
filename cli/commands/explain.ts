import type { Command } from 'commander';
import { powerOfTwo } from '../parse-option.ts';

/** Options of `blindsight explain`. */
export type ExplainCommandOptions = {
  readonly regions?: number;
  readonly json?: boolean;
  readonly svg?: string;
  readonly measure?: boolean;
};

/** `blindsight explain`: what protecting a network will take, before anything is encrypted. */
export function registerExplain(program: Command): void {
  program
    .command('explain')
    .description(
      'say what protecting a network will take: plan, time on this machine, sizes, memory, precision, security',
    )
    .argument('<network>', 'name of a bundled network, or an ONNX file')
    .option(
      '--regions <n>',
      'pictures that one ciphertext answers, a power of two (default: 1)',
      powerOfTwo(64),
    )
    .option('--json', 'print JSON')
    .option('--svg <file>', 'draw the plan into a file')
    .option('--measure', 'measure this machine again (it is measured once and remembered)')
    .addHelpText(
      'after',
      `
Examples:
  blindsight explain counter
  blindsight explain network.onnx --svg plan.svg`,
    )
    .action(async (network: string, options: ExplainCommandOptions) => {
      const { explainCommand } = await import('../operations/explain.ts');
      await explainCommand(network, options);
    });
}
