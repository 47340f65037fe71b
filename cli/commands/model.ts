import type { Command } from 'commander';
import { powerOfTwo } from '../parse-option.ts';
import { registerModelImport } from './model-import.ts';

/** `blindsight model import|protect|list|show`: the networks of a site. */
export function registerModel(program: Command): void {
  const model = program.command('model').description('networks: import, encrypt, list, show');
  model
    .command('protect')
    .description(
      'compile a network to a ciphertext program and encrypt every parameter under a key of its own',
    )
    .argument('<network>', 'name of a bundled network (counter), or an ONNX file')
    .option('--name <name>', 'name of the model in this site (default: that of the network)')
    .option(
      '--regions <n>',
      'regions of interest that one ciphertext answers, a power of two (default: 1)',
      powerOfTwo(64),
    )
    .option('--data <dir>', 'folder of the site', './data')
    .addHelpText('after', '\nExample:\n  blindsight model protect counter --name entrance')
    .action(async (network: string, options: { name?: string; regions?: number; data: string }) => {
      const { protect } = await import('../operations/models.ts');
      await protect(network, options);
    });
  registerModelImport(model);
  model
    .command('list')
    .description('list the protected networks')
    .option('--data <dir>', 'folder of the site', './data')
    .option('--json', 'print JSON')
    .action(async (options: { data: string; json?: boolean }) => {
      const { list } = await import('../operations/models.ts');
      await list(options);
    });
  model
    .command('show')
    .description('show one protected network: versions, parameters, sizes, where it is deployed')
    .argument('<model>')
    .option('--data <dir>', 'folder of the site', './data')
    .option('--json', 'print JSON')
    .action(async (name: string, options: { data: string; json?: boolean }) => {
      const { show } = await import('../operations/models.ts');
      await show(name, options);
    });
}
