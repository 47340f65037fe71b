import { pictureValues } from '#network/model/dataset.ts';
import { decodeMap, type MapDecoding } from '#vision/decode-map.ts';
import type { Measured, Objective } from '../objective.ts';
import { predict } from '../train.ts';
import { drawTarget, type MapShape, massOf } from './draw-target.ts';
import type { MapAugmentation } from './map-augmentation.ts';
import type { MapDataset } from './map-dataset.ts';
import { matchPoints } from './match-points.ts';
import type { Place } from './place.ts';
import { scorePoints } from './score-points.ts';

/** How a map is learned. */
export type MapLearning = {
  readonly map: MapShape;
  /** Standard deviation of the bell that stands for a place, in cells. */
  readonly spread: number;
  /** Weight of the count beside the density. */
  readonly countWeight: number;
  /** How much more a cell counts where somebody is. */
  readonly presenceWeight: number;
  readonly augment: MapAugmentation;
  /** Makes points of answers during training. */
  readonly decoding: MapDecoding;
};

/** The score is that of one picture in so many: decoding takes longer than learning. */
const SCORED = 4;

/**
 * Density and count: the squared distance of each cell from the bells that stand for what is there, and that of the number of things that all
 * cells of a class add up to.
 *
 * @param validation prepared as a gateway does
 */
export function mapObjective(training: MapDataset, validation: MapDataset, learning: MapLearning): Objective {
  const { map, spread, countWeight, presenceWeight, decoding } = learning;
  const size = pictureValues(training.picture);
  const cells = map.height * map.width;
  const outputs = map.classes * cells;
  const mass = massOf(spread);
  const drawn: { readonly places: readonly Place[]; readonly target: Float32Array }[] = [];
  return {
    picture: training.picture,
    outputs,
    count: training.places.length,
    draw(picture, index, n, random) {
      picture.set(training.pictures.subarray(index * size, (index + 1) * size));
      const places = learning.augment(picture, training.places[index]!, random);
      const target = drawn[n]?.target ?? new Float32Array(outputs);
      drawTarget(target, places, map, spread);
      drawn[n] = { places, target };
    },
    measure(values, gradient, batch): Measured {
      let [loss, hits, of] = [0, 0, 0];
      for (let n = 0; n < batch; n++) {
        const { target, places } = drawn[n]!;
        const own = new Float32Array(outputs);
        for (let c = 0; c < map.classes; c++) {
          const at = (c * batch + n) * cells;
          let excess = 0;
          for (let i = 0; i < cells; i++) excess += values[at + i]! - target[c * cells + i]!;
          excess /= mass;
          loss += (countWeight * excess * excess) / 2;
          for (let i = 0; i < cells; i++) {
            const wanted = target[c * cells + i]!;
            const away = values[at + i]! - wanted;
            const weight = (1 + presenceWeight * wanted) / mass;
            loss += (weight * away * away) / 2;
            gradient[at + i] = (weight * away + (countWeight * excess) / mass) / batch;
            own[c * cells + i] = values[at + i]!;
          }
        }
        if (n % SCORED !== 0) continue;
        const matched = matchPoints(decodeMap(own, decoding).points, places);
        hits += 2 * matched.hits;
        of += matched.found + matched.there;
      }
      return { loss, counted: batch, hits, of };
    },
    validate(network, input, batch) {
      const answers = predict(network, validation, input, batch);
      const pictures = validation.places.map((places, n) => ({
        points: decodeMap(answers.subarray(n * outputs, (n + 1) * outputs), decoding).points,
        places,
      }));
      return scorePoints(pictures, map.classes).f1;
    },
  };
}
