import type { SeededRandom } from '#network/model/random.ts';
import { drawPasserby, mirrorPicture, varyLight } from './augment.ts';
import { normalizePictures } from './datasets/normalize-dataset.ts';
import { drawLamp, drawOutlier } from './outliers.ts';
import type { Recipe } from './recipe.ts';
import { type Augmentation, NO_CLASS } from './train.ts';
import { warpPicture } from './warp.ts';

const NOBODY = 0;
const SOMEBODY = 1;

/** Whether the picture now contains an invented passer-by: one too faint to see is removed again. */
function addPasserby(picture: Float32Array, recipe: Recipe, random: SeededRandom): boolean {
  const before = picture.slice();
  if (drawPasserby(picture, recipe.picture, random)) return true;
  picture.set(before);
  return false;
}

/** Varies a picture as a recipe's `augmentation` says. */
function variationOf(recipe: Recipe): Augmentation | undefined {
  const { augmentation } = recipe.training;
  if (augmentation === undefined) return undefined;
  const { mirror, light, border, share = 1, lamp = 0, passersby = 0, ...limits } = augmentation;
  const warps = Object.values(limits).some((limit) => (limit ?? 0) > 0);
  return (picture, random, label) => {
    if (mirror && random.below(2) === 1) mirrorPicture(picture, recipe.picture);
    if (warps && (share === 1 || random.uniform() < share))
      warpPicture(picture, recipe.picture, random, limits, border);
    const shown =
      passersby > 0 &&
      label === NOBODY &&
      random.uniform() < passersby &&
      addPasserby(picture, recipe, random)
        ? SOMEBODY
        : undefined;
    if (lamp > 0 && random.uniform() < lamp) drawLamp(picture, recipe.picture, random);
    if (light) varyLight(picture, random);
    return shown;
  };
}

/**
 * Turns a recipe's settings for pictures into a function on pictures of byte / 255: outliers, `augmentation`, and finally the light as
 * the gateway prepares it.
 *
 * @param options.outliers false omits outliers.
 */
export function augmentationOf(
  recipe: Recipe,
  options: { readonly outliers?: boolean } = {},
): Augmentation | undefined {
  const vary = variationOf(recipe);
  const outliers = options.outliers === false ? 0 : (recipe.training.outliers ?? 0);
  if (vary === undefined && outliers === 0 && recipe.picture.light === undefined) return undefined;
  return (picture, random, label) => {
    let shown: number | undefined;
    if (outliers > 0 && random.uniform() < outliers) {
      drawOutlier(picture, recipe.picture, random);
      shown = NO_CLASS;
    } else shown = vary?.(picture, random, label);
    normalizePictures(picture, recipe.picture);
    return shown;
  };
}
