import type { Command } from 'commander';

/** `blindsight deploy MODEL GATEWAY`: says which network a gateway runs. */
export function registerDeploy(program: Command): void {
  program
    .command('deploy')
    .description('let a gateway run a protected network; a running backend sends it within a second')
    .argument('<model>', 'name of the model; its newest version is deployed')
    .argument('<gateway>')
    .option('--data <dir>', 'folder of the site', './data')
    .action(async (model: string, gateway: string, options: { data: string }) => {
      const { deploy } = await import('../operations/deployments.ts');
      await deploy(model, gateway, options);
    });
}
