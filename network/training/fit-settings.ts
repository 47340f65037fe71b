import type { FitOptions } from './fit-options.ts';
import type { Recipe } from './recipe.ts';

/** What a recipe says of how its network is fitted, whatever it learns. */
export function fitSettings({ training }: Recipe): Omit<FitOptions, 'seed'> {
  const { epochs, batch, learningRate, weightDecay, optimizer, schedule, averaging, patience } = training;
  const { freezeNormalizationAt, gradientNorm, clamp } = training;
  return {
    ...{ epochs, batch, learningRate, weightDecay },
    ...(optimizer && { optimizer }),
    ...(schedule && { schedule }),
    ...(averaging !== undefined && { averaging }),
    ...(freezeNormalizationAt !== undefined && { freezeNormalizationAt }),
    ...(patience !== undefined && { patience }),
    ...(gradientNorm !== undefined && { gradientNorm }),
    ...(clamp && { clamp }),
  };
}
