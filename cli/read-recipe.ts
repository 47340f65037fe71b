import { validateConfig } from '#config/validate.ts';
import { checkRecipe, loadRecipe, type Recipe, recipeSchema } from '#network/training/recipe.ts';

/**
 * A bundled recipe, by name, or a file; errors give line, column, what was expected and what may have been meant.
 *
 * @throws BlindsightError CONFIG_INVALID, NetworkError NETWORK_TRAINING.
 */
export function readRecipe(fileOrName: string): Promise<Recipe> {
  return loadRecipe(fileOrName, (text, where) =>
    checkRecipe(validateConfig(text, recipeSchema, where).value, where),
  );
}
