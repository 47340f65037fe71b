import { type Dataset, pictureValues } from '#network/model/dataset.ts';
import { type PictureFormat, type PictureTreatment, treatmentOf } from '#vision/picture-format.ts';
import { pictureInput } from '#vision/picture-input.ts';

/**
 * Normalizes the light of pictures given as byte / 255, in place, if their format requires it: as a gateway does before it encrypts.
 *
 * @param pictures one after the other; values between two bytes (of a varied picture) are rounded.
 */
export function normalizePictures(pictures: Float32Array, format: PictureFormat): void {
  if (format.light !== 'normalize') return;
  const size = pictureValues(format);
  for (let at = 0; at < pictures.length; at += size) {
    const bytes = Uint8ClampedArray.from(pictures.subarray(at, at + size), (value) => 255 * value);
    pictures.set(pictureInput(bytes, format), at);
  }
}

/** A copy of a dataset with the light of its pictures as the network expects. */
export function normalizeDataset(dataset: Dataset, treatment: PictureTreatment): Dataset {
  if (treatment.light === undefined) return dataset;
  const pictures = dataset.pictures.slice();
  normalizePictures(pictures, { ...dataset.picture, ...treatmentOf(treatment) });
  return { ...dataset, pictures };
}
