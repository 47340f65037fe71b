import { type Confusion, confusionAccuracy, confusionTable } from '#network/model/confusion.ts';
import type { FullDescription } from '#network/model/description/network-description.ts';
import { shareText } from '#network/model/share-text.ts';
import type { LayerSpec } from './architecture.ts';
import type { EpochReport } from './fit-options.ts';
import type { Recipe } from './recipe.ts';

/** Contents of a card. */
export type CardFacts = {
  readonly recipe: Recipe;
  readonly metadata: FullDescription;
  readonly trainingPictures: number;
  readonly curve: readonly EpochReport[];
  readonly confusion: Confusion;
  /** The test pictures with some change, and the share of right answers on them. */
  readonly trials: readonly { readonly name: string; readonly accuracy: number }[];
  /** Largest |logit| on invented pictures that show nothing the network learned. */
  readonly largestOutlier: number;
  /** The command that reproduces this network. */
  readonly command: string;
};

const SCHEDULE_TEXT = {
  cosine: 'cosine',
  linear: 'linear',
  steps: 'tenths at half and three quarters',
  constant: 'constant',
};

function scheduleText(schedule: Recipe['training']['schedule'] = 'cosine'): string {
  if (typeof schedule === 'string') return SCHEDULE_TEXT[schedule];
  const all = schedule.reduce((sum, { share }) => sum + share, 0);
  const text = schedule.map(({ share, schedule: one, rate = 1 }) => {
    const part = rate === 1 ? '' : ` at ${rate} times the rate`;
    return `${whole(share / all)} ${SCHEDULE_TEXT[one]}${part}`;
  });
  return text.join(', ');
}

/** A layer in words. */
export function layerText(layer: LayerSpec): string {
  switch (layer.kind) {
    case 'convolution': {
      const { maps, kernel, stride = 1, padding = 0 } = layer;
      const extras = [stride > 1 && `stride ${stride}`, padding > 0 && `padding ${padding}`].filter(Boolean);
      return `convolution ${kernel} × ${kernel}${extras.map((text) => `, ${text}`).join('')}, ${maps} maps`;
    }
    case 'dense':
      return `dense ${layer.units}`;
    case 'square':
      return 'x²';
    case 'normalize':
      return 'batch normalization';
    case 'average':
      return `mean pooling ${layer.size} × ${layer.size}`;
    case 'offset':
      return 'offset of each value';
    case 'polynomial':
      return `polynomial of degree ${layer.coefficients.length - 1}, trained${layer.perMap ? ' by map' : ''}`;
    case 'herpn':
      return 'HerPN';
    case 'relu':
      return 'ReLU';
    case 'residual':
      return `residual block (${layer.layers.map(layerText).join(' → ')})`;
  }
}

const whole = (share: number): string => `${Math.round(100 * share)} %`;

function augmentationText({ training, task }: Recipe): string {
  const { share = 1, ...varied } = training.augmentation ?? {};
  const { shift, rotate, scale, shear, mirror, light, lamp, passersby } = varied;
  const moved = [
    shift && `shifted by up to ${shift} pixel${shift === 1 ? '' : 's'}`,
    rotate && `turned by up to ${rotate}°`,
    scale && `scaled by up to ${Math.round(100 * scale)} %`,
    shear && `sheared by up to ${shear}`,
  ].filter(Boolean);
  const parts = [
    ...(share === 1 ? moved : []),
    mirror && 'mirrored half of the time',
    light && 'varied in light (gain, gamma, offset, noise)',
  ].filter(Boolean);
  const { outliers = 0 } = training;
  return [
    share < 1 && moved.length > 0 && `${whole(share)} of the pictures are ${moved.join(', ')}.`,
    parts.length > 0 && `Every picture is ${parts.join(', ')}.`,
    passersby && `An invented passer-by is drawn into ${whole(passersby)} of those of the first class.`,
    lamp && `A lamp shines into ${whole(lamp)} of the pictures.`,
    outliers > 0 &&
      `${whole(outliers)} of what is shown are invented pictures of nothing (halves, stripes, checkerboards, noise, other scenes), ${task === undefined ? 'for which all labels are as likely' : 'in which there is nothing to find'}.`,
  ]
    .filter(Boolean)
    .join(' ');
}

/** Share of the most frequent class: the accuracy of always giving the same answer. */
export function majorityShare(confusion: Confusion): number {
  const sums = confusion.map((row) => row.reduce((sum, one) => sum + one, 0));
  return Math.max(...sums) / sums.reduce((sum, one) => sum + one, 0);
}

/** The input in words. */
export function inputText({ channels, height, width, light, motion }: FullDescription['picture']): string {
  const values = light ? 'light normalized (`vision/normalize-light.ts`)' : 'byte / 255';
  const moving = motion
    ? `; the last channel is motion against a background of ${motion.seconds} s (\`vision/background.ts\`)`
    : '';
  return `\`picture\`, N × ${channels} × ${height} × ${width}, ${values}${moving}`;
}

/** How a network was trained, in words. */
export function trainingText({
  recipe,
  metadata,
  trainingPictures,
  curve,
}: Pick<CardFacts, 'recipe' | 'metadata' | 'trainingPictures' | 'curve'>): string {
  const { training } = recipe;
  const regularized = [
    `weight decay ${training.weightDecay}`,
    training.labelSmoothing && `label smoothing ${training.labelSmoothing}`,
    training.averaging && `averaged weights (decay ${training.averaging})`,
    training.gradientNorm && `gradients of a norm of at most ${training.gradientNorm}`,
    training.clamp && `inputs of activations kept within ±${training.clamp.range} while training`,
  ].filter(Boolean);
  return `${training.optimizer === 'sgd' ? 'Stochastic gradient descent' : 'Adam'}, ${curve.length}${curve.length < training.epochs ? ` of at most ${training.epochs}` : ''} epochs of ${trainingPictures} pictures, batches of ${training.batch}, learning rate up to ${training.learningRate} (warm-up, then ${scheduleText(training.schedule)}), ${regularized.join(', ')}, seed ${metadata.seed}. ${augmentationText(recipe)}`;
}

/** The card of a trained network, Markdown: what it is, how it was made, how well it does. */
export function modelCard(facts: CardFacts): string {
  const { recipe, metadata, confusion, trials, command } = facts;
  const tested = confusion.flat().reduce((sum, one) => sum + one, 0);
  const { training } = recipe;
  return [
    `# ${metadata.name}: ${metadata.description}`,
    '',
    `Written by \`${command}\`; the texts come from recipe.json.`,
    '',
    '| | |',
    '|---|---|',
    `| input | ${inputText(metadata.picture)} |`,
    `| layers | ${recipe.layers.map(layerText).join(' → ')} |`,
    `| output | \`logits\`: ${metadata.labels.join(', ')} |`,
    metadata.activationRanges.length > 0
      ? `| largest magnitude before each square | ${metadata.activationRanges.join(', ')} |`
      : '| activations | ReLU: this network cannot be encrypted as it is; it can teach one that can (`--teacher`), or be imported |',
    `| largest logit | ${metadata.logitRange} |`,
    '',
    ...(recipe.notes ?? []).flatMap(({ title, text }) => [`## ${title}`, '', text, '']),
    '## Training',
    '',
    trainingText(facts),
    ...(training.pastedPeople
      ? [
          `${training.pastedPeople} of the training pictures are invented: people cut out of the training frames, pasted where they never stood.`,
        ]
      : []),
    'Batch normalization is folded into its neighbours before encryption.',
    '',
    '![learning curve](learning-curve.svg)',
    '',
    '## Accuracy in the clear',
    '',
    `**${shareText(confusionAccuracy(confusion))}** of ${tested} test pictures, which took no part in training or in the choice of the epoch. Always answering the most frequent class would reach ${shareText(majorityShare(confusion))}.`,
    '',
    confusionTable(confusion, metadata.labels),
    '',
    '| the same pictures | accuracy |',
    '|---|---:|',
    ...trials.map(({ name, accuracy }) => `| ${name} | ${shareText(accuracy)} |`),
    '',
    `Largest output for 1 000 pictures that show nothing of what was learned: ${facts.largestOutlier.toFixed(1)}; for pictures like those of the training${recipe.training.outliers ? ', such invented ones among them,' : ''} ${metadata.logitRange.toFixed(1)}.`,
    '',
  ].join('\n');
}
