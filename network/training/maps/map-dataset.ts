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

/** Parts of the training time that each end in pictures for validation: a place is not the same at all times. */
const BLOCKS = 4;

/**
 * Takes pictures for validation out of a clip's training part: the end of each of its {@link BLOCKS} parts.
 *
 * @param share of the pictures, 0 to 1, exclusive
 */
export function splitBlocks(
  all: MapDataset,
  share: number,
): { readonly training: MapDataset; readonly validation: MapDataset } {
  const count = all.places.length;
  const ends = Array.from({ length: BLOCKS + 1 }, (_, block) => Math.floor((block * count) / BLOCKS));
  const borders = ends.slice(1).map((end, block) => end - Math.round(share * (end - ends[block]!)));
  const pieces = (from: readonly number[], to: readonly number[]) =>
    join(from.map((start, block) => partOf(all, start, to[block]!)));
  return { training: pieces(ends.slice(0, -1), borders), validation: pieces(borders, ends.slice(1)) };
}

function join(parts: readonly MapDataset[]): MapDataset {
  const pictures = new Float32Array(parts.reduce((sum, part) => sum + part.pictures.length, 0));
  let at = 0;
  for (const part of parts) {
    pictures.set(part.pictures, at);
    at += part.pictures.length;
  }
  return { ...parts[0]!, pictures, places: parts.flatMap((part) => part.places) };
}
