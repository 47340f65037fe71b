import { fitNetwork } from '../fit-network.ts';
import type { EpochReport, TrainingResult } from '../fit-options.ts';
import { fitSettings } from '../fit-settings.ts';
import type { Objective } from '../objective.ts';
import type { Recipe } from '../recipe.ts';
import { type MapDataset, splitBlocks } from './map-dataset.ts';
import { prepared } from './prepared-pictures.ts';

/** Input of training from boxes. */
export type PlacesTraining = {
  readonly recipe: Recipe;
  /** Values are byte / 255, here and in `test`: light is normalized if the recipe says so. */
  readonly training: MapDataset;
  /** Later pictures, that training never sees. */
  readonly test: MapDataset;
  /** Folder for `<name>.onnx`, `<name>.json`, README.md (the card) and the learning curve. */
  readonly out: string;
  readonly seed: number;
  /** The command that reproduces this network, for the card. */
  readonly command: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (report: EpochReport) => void;
};

/** What is learned from, and what chooses the epoch to keep and how answers are read: prepared as a gateway does. */
export type TrainingParts = { readonly training: MapDataset; readonly validation: MapDataset };

/** Part of the training pictures that is for validation. */
const VALIDATION_SHARE = 0.2;

/** Takes the validation part out of the training pictures. */
export function splitTraining({ recipe, training }: PlacesTraining): TrainingParts {
  const parts = splitBlocks(training, recipe.training.validationShare ?? VALIDATION_SHARE);
  return { ...parts, validation: prepared(parts.validation, recipe) };
}

/** Trains as the recipe says. @param outputScale see `FitOptions` */
export function fitPlaces(
  { recipe, seed, signal, onProgress }: PlacesTraining,
  objective: Objective,
  outputScale = 1,
): Promise<TrainingResult> {
  return fitNetwork(recipe.layers, objective, {
    ...{ ...fitSettings(recipe), seed, outputScale },
    ...(signal && { signal }),
    ...(onProgress && { onProgress }),
  });
}
