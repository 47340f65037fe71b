import type { Command } from 'commander';
import { integer } from '../parse-option.ts';

/** `blindsight deploy MODEL GATEWAY`: says which network a gateway runs. */
export function registerDeploy(program: Command): void {
  program
    .command('deploy')
    .description('let a gateway run a protected network; a running backend sends it within a second')
    .argument('<model>', 'name of the model')
    .argument('<gateway>')
    .option(
      '--version <n>',
      'version of the model, to go back to an earlier one (default: the newest)',
      integer(1, 2 ** 31 - 1),
    )
    .option('--data <dir>', 'folder of the site', './data')
    .addHelpText(
      'after',
      '\nExamples:\n  blindsight deploy counter gate-1\n  blindsight deploy counter gate-1 --version 2',
    )
    .action(async (model: string, gateway: string, options: { version?: number; data: string }) => {
      const { deploy } = await import('../operations/deployments.ts');
      await deploy(model, gateway, options);
    });
}
