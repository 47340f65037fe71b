import type { Command } from 'commander';
import type { TrainOptions } from '../operations/train-options.ts';
import { integer, region, share } from '../parse-option.ts';

/** `blindsight train`: trains a network from pictures, in the clear, on the owner's machine. */
export function registerTrain(program: Command): void {
  program
    .command('train')
    .description('train a network whose activations are squares, ready to be encrypted')
    .argument('<recipe>', 'name of a recipe that comes along, or a JSON file of the same form')
    .option('--images <idx>', 'training pictures: IDX file, plain or gzip')
    .option('--labels <file>', 'their classes: IDX file; with --clip, CSV lines "frame,label"')
    .option('--test-images <idx>', 'test pictures (default: a tenth of each class of the others)')
    .option('--test-labels <idx>', 'their classes')
    .option('--pictures <dir>', 'training pictures: one folder a class')
    .option('--test-pictures <dir>', 'test pictures, likewise (default: a tenth of each class)')
    .option('--clip <file>', 'video; trained on its earlier part, tested on its later part')
    .option('--boxes <csv>', 'with --clip: boxes "frame,person,x,y,width,height"; the classes are how many')
    .option('--region <x,y,w,h>', 'with --clip: the part of the frame to look at, in fractions of it', region)
    .option('--train-share <s>', 'with --clip: share of the clip that is trained on', share, 0.6)
    .option('--out <dir>', 'folder for the network, its card and its learning curve (default: ./<name>)')
    .option('--force', 'overwrite a network that is in that folder')
    .option('--seed <n>', 'seed of every random choice', integer(0, 2 ** 31 - 1))
    .option('--epochs <n>', 'passes over the training pictures', integer(1, 100_000))
    .option('--patience <n>', 'stop after this many epochs without improvement', integer(1, 100_000))
    .addHelpText(
      'after',
      `
The same recipe, pictures and seed give the same file. Ctrl-C ends early and keeps the best network so far. Recipes that come along: counter, e2dm, cryptonets, lenet5, carpark, plaza.

Examples:
  blindsight train counter
  blindsight train e2dm --images train-images-idx3-ubyte.gz --labels train-labels-idx1-ubyte.gz \\
      --test-images t10k-images-idx3-ubyte.gz --test-labels t10k-labels-idx1-ubyte.gz
  blindsight train carpark --clip carpark.mp4 --labels presence.csv
  blindsight train my-recipe.json --pictures ./photos`,
    )
    .action(async (recipe: string, options: TrainOptions) => {
      const { train } = await import('../operations/train.ts');
      await train(recipe, options);
    });
}
