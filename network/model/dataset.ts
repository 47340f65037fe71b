import type { PictureFormat } from '#vision/picture-format.ts';

/** Labelled pictures; values in [0, 1], picture by picture, channel first. */
export type Dataset = {
  readonly picture: PictureFormat;
  readonly labels: readonly string[];
  readonly pictures: Float32Array;
  readonly classes: Uint8Array;
};

/** Number of values of one picture. */
export function pictureValues(picture: PictureFormat): number {
  return picture.channels * picture.height * picture.width;
}

/** The chosen pictures of a dataset, in the order given. */
export function selectPictures(dataset: Dataset, chosen: readonly number[]): Dataset {
  const size = pictureValues(dataset.picture);
  const pictures = new Float32Array(chosen.length * size);
  chosen.forEach((from, to) => {
    pictures.set(dataset.pictures.subarray(from * size, (from + 1) * size), to * size);
  });
  return { ...dataset, pictures, classes: Uint8Array.from(chosen, (i) => dataset.classes[i]!) };
}

/** The pictures of both, which must have the same size and labels. */
export function joinDatasets(first: Dataset, second: Dataset): Dataset {
  const pictures = new Float32Array(first.pictures.length + second.pictures.length);
  pictures.set(first.pictures);
  pictures.set(second.pictures, first.pictures.length);
  return { ...first, pictures, classes: Uint8Array.of(...first.classes, ...second.classes) };
}
