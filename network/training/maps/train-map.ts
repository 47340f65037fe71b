import type { FullDescription } from '#network/model/description/network-description.ts';
import { decodeMap } from '#vision/decode-map.ts';
import { stackOutput } from '../architecture.ts';
import { exportGraph } from '../export.ts';
import { publishNetwork } from '../publish.ts';
import type { Recipe } from '../recipe.ts';
import { calibrateDecoding } from './calibrate-decoding.ts';
import type { MapShape } from './draw-target.ts';
import { fitPlaces, type PlacesTraining, splitTraining, type TrainingParts } from './fit-places.ts';
import { mapAugmentationOf } from './map-augmentation.ts';
import { mapCard } from './map-card.ts';
import { mapObjective } from './map-objective.ts';
import { answers, calibrationPictures, largestOutlier, prepared } from './prepared-pictures.ts';
import { meanCountScore, type PointScore, scorePoints } from './score-points.ts';

const SPREAD = 1;
const COUNT_WEIGHT = 0.1;
const PRESENCE_WEIGHT = 4;
const OUTPUT_SCALE = 0.05;
/**
 * Of the largest output: a cell is a sum of squares, and two things that meet as they never did in training exceed it. Half as much again was
 * not enough for one frame of carpark-map's later part (1.52 times the calibrated).
 */
const HEADROOM = 1.5;

/** What is learned: density and count. */
function objectiveOf({ recipe }: PlacesTraining, map: MapShape, parts: TrainingParts) {
  const {
    spread = SPREAD,
    countWeight = COUNT_WEIGHT,
    presenceWeight = PRESENCE_WEIGHT,
  } = recipe.training.map ?? {};
  return mapObjective(parts.training, parts.validation, {
    ...{ map, spread, countWeight, presenceWeight },
    augment: mapAugmentationOf(recipe),
    decoding: { ...map, threshold: 0.4, smoothing: 0, distance: 2, most: 64 },
  });
}

/**
 * Trains a network that makes a map, calibrates how points are made of it, tests and writes it with its card. The same recipe, clip and seed
 * give the same file on every machine.
 *
 * @throws NetworkError NETWORK_TRAINING if the loss stops being a number; the signal's reason.
 */
export async function trainMap(
  work: PlacesTraining,
): Promise<{ readonly metadata: FullDescription; readonly score: PointScore }> {
  const { recipe, seed } = work;
  const { labels } = work.training;
  const [height, width] = mapSize(recipe);
  const map = { classes: labels.length, height, width };
  const parts = splitTraining(work);
  const { training, validation } = parts;
  const { network, curve } = await fitPlaces(work, objectiveOf(work, map, parts), OUTPUT_SCALE);
  const decoding = calibrateDecoding(answers(network, validation), validation.places, map);
  const test = prepared(work.test, recipe);
  const pictures = answers(network, test).map((values, n) => ({
    points: decodeMap(values, decoding).points,
    places: test.places[n]!,
  }));
  const score = scorePoints(pictures, labels.length);
  const mean = meanCountScore(work.training.places, test.places, labels.length);
  const outlier = largestOutlier(network, recipe, seed + 1);
  const { threshold, smoothing, distance, most } = decoding;
  const metadata = await publishNetwork({
    out: work.out,
    name: recipe.name,
    description: recipe.description,
    labels,
    seed,
    graph: exportGraph(network, recipe.name),
    treatment: recipe.picture,
    curve,
    accuracy: score.f1,
    answer: { task: 'map', map: { height, width }, decoding: { threshold, smoothing, distance, most } },
    headroom: HEADROOM,
    calibration: calibrationPictures(recipe, training, seed),
    pages: (described) => ({
      'README.md': mapCard({
        ...{ recipe, metadata: described, curve, score, mean },
        trainingPictures: training.places.length,
        largestOutlier: outlier,
        command: work.command,
      }),
    }),
  });
  return { metadata, score };
}

/** Rows and columns of cells. */
function mapSize({ picture: { channels, height, width }, layers }: Recipe): [height: number, width: number] {
  const output = stackOutput(layers, { kind: 'maps', channels, height, width }, 'layers');
  if (output.kind === 'vector') throw new RangeError('a map ends in maps, which parseRecipe has checked');
  return [output.height, output.width];
}
