import { type Command, InvalidArgumentError } from 'commander';
import type { ProposalProgress } from '#network/training/labelling/propose-boxes.ts';
import { integer, number } from '../parse-option.ts';
import { refuseExisting } from '../refuse-existing.ts';
import { type CommandRun, runCommand } from '../run-command.ts';

type LabelOptions = {
  readonly out: string;
  readonly label?: string;
  readonly sheet?: string;
  readonly minSize?: number;
  readonly threshold?: number;
  readonly minFrames?: number;
  readonly gap?: number;
  readonly force?: boolean;
};

/** `blindsight label`: proposes boxes for whatever moves in the clip of a fixed camera. */
export function registerLabel(program: Command): void {
  program
    .command('label')
    .description('propose boxes for what moves in the clip of a fixed camera, to train and to measure with')
    .argument('<clip>', 'video')
    .requiredOption('--out <csv>', 'file for the boxes: frame (from 0), track, x, y, width, height in pixels')
    .option('--label <name>', 'what the boxes are of (default: whoever reads them says so)')
    .option('--sheet <jpeg>', 'draw 40 frames with their boxes into this file, to check them by eye')
    .option(
      '--min-size <n>',
      'smallest thing: √(width × height) in pixels of the clip (default: a twentieth of its height)',
      positive,
    )
    .option('--threshold <n>', 'least difference to the empty scene, of 255 (default: 30)', integer(1, 255))
    .option('--min-frames <n>', 'frames in which a thing must be seen (default: 5)', integer(1, 100_000))
    .option('--gap <n>', 'most frames in a row in which it may be missed (default: 5)', integer(0, 100_000))
    .option('--force', 'overwrite the files')
    .addHelpText(
      'after',
      `
The scene is each pixel's median over the clip: what stands still for more than half of it (a parked car) gets no box. Things that touch
or hide one another get one box together; a shadow gets none where it leaves the color as it is. Look at the sheet, and correct the file.

Example:
  blindsight label plaza.mp4 --out people.csv --label person --sheet people.jpg`,
    )
    .action((clip: string, options: LabelOptions) =>
      runCommand((run) => label(clip, options, run), 'stopped; no boxes were written'),
    );
}

function positive(text: string): number {
  const value = number(text);
  if (value <= 0) throw new InvalidArgumentError('Expected a number above 0.');
  return value;
}

async function label(clip: string, options: LabelOptions, { signal, progress }: CommandRun): Promise<void> {
  const { force, ...request } = options;
  if (!force)
    for (const file of [options.out, options.sheet]) if (file !== undefined) await refuseExisting(file);
  const { labelClip } = await import('#network/training/labelling/label-clip.ts');
  const onProgress = ({ step, frames, of }: ProposalProgress): void => {
    const text = step === 'scene' ? 'looking for the empty scene' : 'looking for what moves';
    progress.update(step, `${text}: ${frames} frames`, of === null ? undefined : frames / of);
  };
  const { boxes, things, frames, size } = await labelClip({ clip, ...request, signal, onProgress });
  progress.end();
  process.stdout.write(
    `${options.out}: ${boxes.length} boxes of ${things} ${things === 1 ? 'thing' : 'things'} in ${frames} frames of ${size.width} × ${size.height}\n`,
  );
  const look = options.sheet === undefined ? '--sheet FILE draws them' : `look at ${options.sheet}`;
  process.stdout.write(`they are proposals: ${look}, and correct what is wrong\n`);
}
