import type { FullDescription } from '#network/model/description/network-description.ts';
import { shareText } from '#network/model/share-text.ts';
import { exportGraph } from '../export.ts';
import { inputText, layerText, trainingText } from '../model-card.ts';
import { publishNetwork } from '../publish.ts';
import { type CountedTask, countObjective, isRight } from './count-objective.ts';
import { fitPlaces, type PlacesTraining, splitTraining } from './fit-places.ts';
import { mapAugmentationOf } from './map-augmentation.ts';
import type { MapDataset } from './map-dataset.ts';
import { answers, calibrationPictures, prepared } from './prepared-pictures.ts';
import { countClasses } from './score-points.ts';

/** How well counts, or labels that hold by themselves, are answered: of all labels and pictures together. */
export type RightScore = {
  readonly pictures: number;
  readonly right: number;
  /** Share for the answers that are most often right whatever the picture. */
  readonly always: number;
};

/** Share of right answers. */
function scoreOf(
  task: CountedTask,
  outputs: readonly ArrayLike<number>[],
  { places, labels }: MapDataset,
): RightScore {
  const there = places.map((each) => countClasses(each, labels.length));
  const total = there.length * labels.length;
  const right = there.flatMap((counts, n) =>
    counts.filter((count, label) => isRight(task, outputs[n]![label]!, count)),
  );
  const always = labels.map((_, label) => {
    const kinds = Map.groupBy(there, (counts) =>
      task === 'count' ? counts[label]! : Math.min(1, counts[label]!),
    );
    return Math.max(...[...kinds.values()].map((kind) => kind.length));
  });
  return {
    pictures: there.length,
    right: right.length / total,
    always: always.reduce((sum, count) => sum + count, 0) / total,
  };
}

/**
 * Trains a network that counts, or says of each label whether it holds, from a clip with boxes; tests and writes it with its card. The same
 * recipe, clip and seed give the same file on every machine.
 *
 * @throws NetworkError NETWORK_TRAINING if the loss stops being a number; the signal's reason.
 */
export async function trainCounts(
  work: PlacesTraining,
  task: CountedTask,
): Promise<{ readonly metadata: FullDescription; readonly score: RightScore }> {
  const { recipe, seed, command } = work;
  const { training, validation } = splitTraining(work);
  const objective = countObjective(task, training, validation, mapAugmentationOf(recipe));
  const { network, curve } = await fitPlaces(work, objective);
  const test = prepared(work.test, recipe);
  const score = scoreOf(task, answers(network, test), test);
  const metadata = await publishNetwork({
    out: work.out,
    name: recipe.name,
    description: recipe.description,
    labels: training.labels,
    seed,
    graph: exportGraph(network, recipe.name),
    treatment: recipe.picture,
    curve,
    accuracy: score.right,
    answer: { task },
    calibration: calibrationPictures(recipe, training, seed),
    pages: (described) => ({
      'README.md': [
        `# ${recipe.name}: ${recipe.description}`,
        '',
        `Written by \`${command}\`; the texts come from recipe.json.`,
        '',
        '| | |',
        '|---|---|',
        `| input | ${inputText(described.picture)} |`,
        `| layers | ${recipe.layers.map(layerText).join(' → ')} |`,
        `| output | \`logits\`: ${task === 'count' ? 'how many there are' : 'whether there is one'}, ${described.labels.join(', ')} |`,
        `| largest magnitude before each square | ${described.activationRanges.join(', ')} |`,
        `| largest output | ${described.logitRange} |`,
        '',
        ...(recipe.notes ?? []).flatMap(({ title, text }) => [`## ${title}`, '', text, '']),
        '## Training',
        '',
        trainingText({ recipe, metadata: described, trainingPictures: training.places.length, curve }),
        '',
        '![learning curve](learning-curve.svg)',
        '',
        '## In the clear',
        '',
        `**${shareText(score.right)}** of the answers about ${score.pictures} later pictures are right, ${shareText(score.always)} of those that are always the same.`,
        '',
      ].join('\n'),
    }),
  });
  return { metadata, score };
}
