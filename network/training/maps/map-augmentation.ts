import type { SeededRandom } from '#network/model/random.ts';
import { shownChannels } from '#vision/picture-format.ts';
import { mirrorPicture, varyLight } from '../augment.ts';
import { normalizePictures } from '../datasets/normalize-dataset.ts';
import { drawOutlier } from '../outliers.ts';
import type { Recipe } from '../recipe.ts';
import { warpPicture } from '../warp.ts';
import type { Place } from './place.ts';

/** Varies a picture of byte / 255 in place and prepares its light. @returns where everything is afterwards. */
export type MapAugmentation = (
  picture: Float32Array,
  places: readonly Place[],
  random: SeededRandom,
) => readonly Place[];

/** Turns a recipe's settings into a function that moves places along with what a picture shows. */
export function mapAugmentationOf(recipe: Recipe): MapAugmentation {
  const { picture: format, training } = recipe;
  const {
    mirror,
    light,
    border,
    share = 1,
    lamp: _lamp,
    passersby: _passersby,
    ...limits
  } = training.augmentation ?? {};
  const { outliers = 0 } = training;
  const shown = shownChannels(format) * format.height * format.width;
  const warps = Object.values(limits).some((limit) => (limit ?? 0) > 0);
  return (picture, given, random) => {
    let places = given;
    if (outliers > 0 && random.uniform() < outliers) {
      drawOutlier(picture, format, random);
      places = [];
    } else {
      if (mirror && random.below(2) === 1) {
        mirrorPicture(picture, format);
        places = places.map((place) => ({ ...place, x: 1 - place.x }));
      }
      if (warps && (share === 1 || random.uniform() < share)) {
        const moved = warpPicture(picture, format, random, limits, border);
        places = places.flatMap((place) => {
          const [x, y] = moved.point(place.x * format.width, place.y * format.height);
          const there = { ...place, x: x / format.width, y: y / format.height };
          const inside = there.x >= 0 && there.x < 1 && there.y >= 0 && there.y < 1;
          return inside
            ? [{ ...there, width: place.width * moved.scaleX, height: place.height * moved.scaleY }]
            : [];
        });
      }
      if (light) {
        const gain = varyLight(picture.subarray(0, shown), random);
        for (let i = shown; i < picture.length; i++) picture[i] = Math.min(1, gain * picture[i]!);
      }
    }
    normalizePictures(picture, format);
    return places;
  };
}
