import { LOGIT_HEADROOM } from '#network/compiler/compile-limits.ts';
import type { FullDescription } from '#network/model/description/network-description.ts';
import { shareText } from '#network/model/share-text.ts';
import type { EpochReport } from '../fit-options.ts';
import { inputText, layerText, trainingText } from '../model-card.ts';
import type { Recipe } from '../recipe.ts';
import type { CountScore, PointScore } from './score-points.ts';

/** Contents of the card of a network that makes a map. */
export type MapFacts = {
  readonly recipe: Recipe;
  readonly metadata: FullDescription;
  readonly trainingPictures: number;
  readonly curve: readonly EpochReport[];
  readonly score: PointScore;
  /** Always the mean count. */
  readonly mean: CountScore & { readonly count: readonly number[] };
  /** Largest |output| for pictures that show nothing of what was learned. */
  readonly largestOutlier: number;
  readonly command: string;
};

/** The card of a network that makes a map, Markdown: what it is, how it was made, how well it does. */
export function mapCard(facts: MapFacts): string {
  const { recipe, metadata, score, mean, command } = facts;
  const { map, decoding } = metadata;
  return [
    `# ${metadata.name}: ${metadata.description}`,
    '',
    `Written by \`${command}\`; the texts come from recipe.json.`,
    '',
    '| | |',
    '|---|---|',
    `| input | ${inputText(metadata.picture)} |`,
    `| layers | ${recipe.layers.map(layerText).join(' → ')} |`,
    `| output | \`logits\`: a map of ${map!.height} × ${map!.width} cells for ${metadata.labels.join(', ')} |`,
    `| points | local maxima from ${decoding!.threshold} on, ${decoding!.smoothing === 0 ? 'not smoothed' : `smoothed over ${decoding!.smoothing} cell${decoding!.smoothing === 1 ? '' : 's'} around`}, at least ${decoding!.distance} cells apart |`,
    `| largest magnitude before each square | ${metadata.activationRanges.join(', ')} |`,
    `| largest output that is expected | ${metadata.logitRange} |`,
    '',
    ...(recipe.notes ?? []).flatMap(({ title, text }) => [`## ${title}`, '', text, '']),
    '## Training',
    '',
    `${trainingText(facts)} Each cell learns a bell around what is there, and their sum the count. Threshold, smoothing and distance of points are those with the best F1 on the validation part, the ends of four parts of the training time.`,
    '',
    '![learning curve](learning-curve.svg)',
    '',
    '## In the clear',
    '',
    `${score.frames} test pictures, later than all that training saw. A point is right within half a box of the middle of something, each once.`,
    '',
    '| | precision | recall | F1 | mean count error | within ±1 |',
    '|---|---:|---:|---:|---:|---:|',
    `| the network | ${score.precision.toFixed(3)} | ${score.recall.toFixed(3)} | **${score.f1.toFixed(3)}** | ${score.countMeanError.toFixed(2)} | ${shareText(score.withinOne)} |`,
    `| always ${mean.count.join(', ')}, the mean of the training pictures | | | | ${mean.countMeanError.toFixed(2)} | ${shareText(mean.withinOne)} |`,
    '',
    `Largest output for 1 000 pictures that show nothing of what was learned: ${facts.largestOutlier.toFixed(1)}; an answer is given up to ${(LOGIT_HEADROOM * metadata.logitRange).toFixed(1)}.`,
    '',
  ].join('\n');
}
