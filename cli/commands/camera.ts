import type { Command } from 'commander';

/** `blindsight camera list|release`: the camera names of a site. */
export function registerCamera(program: Command): void {
  const camera = program.command('camera').description('names of cameras: list, release');
  camera
    .command('list')
    .description('list the names and the gateways that hold them')
    .option('--data <dir>', 'folder of the site', './data')
    .option('--json', 'print JSON')
    .action(async (options: { data: string; json?: boolean }) => {
      const { list } = await import('../operations/cameras.ts');
      await list(options);
    });
  camera
    .command('release')
    .description('free the name of a camera, so that another gateway can take it')
    .argument('<camera>')
    .option('--data <dir>', 'folder of the site', './data')
    .action(async (name: string, options: { data: string }) => {
      const { release } = await import('../operations/cameras.ts');
      await release(name, options);
    });
}
