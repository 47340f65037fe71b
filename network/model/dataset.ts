import type { PictureFormat } from '#vision/picture-format.ts';

/** Labelled pictures; values in [0, 1], picture by picture, channel first. */
export type Dataset = {
  readonly picture: PictureFormat;
  readonly labels: readonly string[];
  readonly pictures: Float32Array;
  readonly classes: Uint8Array;
};

/** Some pictures of a dataset, which are not copied: tens of thousands take hundreds of megabytes. */
export type DatasetPart = {
  readonly whole: Dataset;
  /** Numbers of the pictures. */
  readonly chosen: Uint32Array;
};

/** Number of values of one picture. */
export function pictureValues(picture: PictureFormat): number {
  return picture.channels * picture.height * picture.width;
}

/** The chosen pictures of a dataset, in the order given. */
export function selectPictures(dataset: Dataset, chosen: ArrayLike<number>): Dataset {
  const size = pictureValues(dataset.picture);
  const pictures = new Float32Array(chosen.length * size);
  for (let to = 0; to < chosen.length; to++) {
    pictures.set(dataset.pictures.subarray(chosen[to]! * size, (chosen[to]! + 1) * size), to * size);
  }
  return { ...dataset, pictures, classes: Uint8Array.from(chosen, (i: number) => dataset.classes[i]!) };
}

/** The values of one picture of a part; not a copy. */
export function pictureOf({ whole, chosen }: DatasetPart, index: number): Float32Array {
  const size = pictureValues(whole.picture);
  return whole.pictures.subarray(chosen[index]! * size, (chosen[index]! + 1) * size);
}

/** The class of one picture of a part. */
export function classOf({ whole, chosen }: DatasetPart, index: number): number {
  return whole.classes[chosen[index]!]!;
}

/** A dataset as a part of itself. */
export function allOf(whole: Dataset): DatasetPart {
  return { whole, chosen: Uint32Array.from(whole.classes.keys()) };
}

/** The pictures of both, which must have the same size and labels. */
export function joinDatasets(first: Dataset, second: Dataset): Dataset {
  const pictures = new Float32Array(first.pictures.length + second.pictures.length);
  pictures.set(first.pictures);
  pictures.set(second.pictures, first.pictures.length);
  return { ...first, pictures, classes: Uint8Array.of(...first.classes, ...second.classes) };
}
