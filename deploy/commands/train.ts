import type { Command } from 'commander';
import { integer } from '../parse-option.ts';

/** `blindsight train counter`: trains the bundled network again from the frames of its clip. */
export function registerTrain(program: Command): void {
  const train = program.command('train').description('train a network from real frames');
  train
    .command('counter')
    .description(
      'train the bundled network: is somebody at the counter? The same clip and seed give the same file',
    )
    .option('--clip <file>', 'video (default: the clip that comes with Blindsight)')
    .option('--labels <file>', 'CSV with the label of every frame (default: that of the clip)')
    .option('--out <dir>', 'folder for the network and its results', './counter-training')
    .option('--seed <n>', 'seed of every random choice', integer(0, 2 ** 31 - 1))
    .addHelpText('after', '\nExample:\n  blindsight train counter --out network/zoo/counter')
    .action(async (options: { clip?: string; labels?: string; out: string; seed?: number }) => {
      const { train: run } = await import('../operations/train.ts');
      await run(options);
    });
}
