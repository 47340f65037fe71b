import { NetworkError } from '#network/errors.ts';
import { type Dataset, selectPictures } from '#network/model/dataset.ts';
import { type IdxArray, readIdxFile } from './idx.ts';

/** Where labelled pictures are, and how to read them. */
export type IdxSource = {
  /** [pictures, height, width] or [pictures, height, width, 1 or 3 channels]. */
  readonly images: string;
  /** [pictures]: one class per picture, 0 to 255. */
  readonly labels: string;
  /** Black pixels added on every side. */
  readonly pad?: number;
  /** Reads the first pictures only. */
  readonly limit?: number;
  /** Names of the classes; `0`, `1`, … by default. */
  readonly names?: readonly string[];
};

function refuse(message: string): never {
  throw new NetworkError('NETWORK_DATA', message);
}

/** Pictures of an IDX array as values byte / 255, channel first, with `pad` black pixels around them. */
export function idxPictures(
  { shape, data }: IdxArray,
  where: string,
  pad = 0,
): Pick<Dataset, 'picture' | 'pictures'> {
  const [count = 0, height = 0, width = 0, channels = 1] = shape;
  if (shape.length < 3 || (channels !== 1 && channels !== 3)) {
    refuse(
      `${where}: extents ${shape.join(' × ')}: expected pictures × height × width, or × 1 or 3 channels`,
    );
  }
  const outer = { channels, height: height + 2 * pad, width: width + 2 * pad };
  const pictures = new Float32Array(count * channels * outer.height * outer.width);
  let from = 0;
  for (let n = 0; n < count; n++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        for (let c = 0; c < channels; c++) {
          const to = ((n * channels + c) * outer.height + y + pad) * outer.width + x + pad;
          pictures[to] = data[from++]! / 255;
        }
      }
    }
  }
  return { picture: outer, pictures };
}

/**
 * Reads labelled pictures from two IDX files.
 *
 * @throws NetworkError NETWORK_DATA if a file is not IDX, the two do not fit together, or a class has no name.
 */
export async function readIdxDataset(source: IdxSource): Promise<Dataset> {
  const { images, labels, pad = 0 } = source;
  const [array, classes] = await Promise.all([readIdxFile(images), readIdxFile(labels)]);
  if (classes.shape.length !== 1) {
    refuse(`${labels}: extents ${classes.shape.join(' × ')}: expected one class a picture`);
  }
  const count = array.shape[0]!;
  if (classes.shape[0] !== count) {
    refuse(`${images} has ${count} pictures but ${labels} has ${classes.shape[0]} classes`);
  }
  const used = Math.min(count, source.limit ?? count);
  const perPicture = array.data.length / count;
  const { picture, pictures } = idxPictures(
    { shape: [used, ...array.shape.slice(1)], data: array.data.subarray(0, used * perPicture) },
    images,
    pad,
  );
  const highest = classes.data.reduce((most, one) => Math.max(most, one), 0);
  const names = source.names ?? Array.from({ length: highest + 1 }, (_, i) => String(i));
  if (highest >= names.length) refuse(`${labels}: class ${highest}, but there are ${names.length} labels`);
  return { picture, labels: names, pictures, classes: classes.data.slice(0, used) };
}

/** Splits off the last `share` of a dataset, 0 to 1 exclusive, at least one picture. */
export function splitOff(dataset: Dataset, share: number): { training: Dataset; validation: Dataset } {
  const count = dataset.classes.length;
  const border = count - Math.max(1, Math.round(share * count));
  const indices = [...dataset.classes.keys()];
  return {
    training: selectPictures(dataset, indices.slice(0, border)),
    validation: selectPictures(dataset, indices.slice(border)),
  };
}
