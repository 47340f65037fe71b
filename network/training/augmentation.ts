import { mirrorPicture, varyLight } from './augment.ts';
import type { Recipe } from './recipe.ts';
import type { Augmentation } from './train.ts';
import { warpPicture } from './warp.ts';

/** Makes what a recipe's `augmentation` says into a function on pictures. */
export function augmentationOf(recipe: Recipe): Augmentation | undefined {
  const { augmentation } = recipe.training;
  if (augmentation === undefined) return undefined;
  const { mirror, light, border, share = 1, ...limits } = augmentation;
  const warps = Object.values(limits).some((limit) => (limit ?? 0) > 0);
  return (picture, random) => {
    if (mirror && random.below(2) === 1) mirrorPicture(picture, recipe.picture);
    if (warps && (share === 1 || random.uniform() < share))
      warpPicture(picture, recipe.picture, random, limits, border);
    if (light) varyLight(picture, random);
    return undefined;
  };
}
