import type { PictureFormat } from '#vision/picture-format.ts';
import type { Place } from './place.ts';

/** Pictures with what is to be found in each. */
export type MapDataset = {
  readonly picture: PictureFormat;
  readonly labels: readonly string[];
  /** Values byte / 255, picture by picture, channel first. */
  readonly pictures: Float32Array;
  /** One list for each picture. */
  readonly places: readonly (readonly Place[])[];
};

/** Part of a dataset, from picture `from` up to, without, `to`. */
export function partOf(dataset: MapDataset, from: number, to: number): MapDataset {
  const size = dataset.pictures.length / dataset.places.length;
  return {
    ...dataset,
    pictures: dataset.pictures.subarray(from * size, to * size),
    places: dataset.places.slice(from, to),
  };
}
