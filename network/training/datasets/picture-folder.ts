import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { NetworkError } from '#network/errors.ts';
import { type Dataset, pictureValues } from '#network/model/dataset.ts';
import { SeededRandom } from '#network/model/random.ts';
import type { PictureFormat } from '#vision/picture-format.ts';
import { prepareFrame } from './clip.ts';

/** Where pictures are, one folder per class. */
export type FolderSource = {
  readonly folder: string;
  readonly picture: PictureFormat;
  /** Folders in the order of the classes; by default all of them, sorted by name. */
  readonly names?: readonly string[];
  readonly signal?: AbortSignal;
};

const PICTURE_FILE = /\.(jpe?g|png|webp|avif|tiff?|gif)$/i;
/** Maximum pixels of a picture before scaling; a camera of 100 megapixels passes. */
const MAX_PIXELS = 2 ** 27;
/** Fixed, so that a folder gives the same order everywhere. */
const ORDER_SEED = 1;

async function foldersOf(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
      .map((entry) => entry.name)
      .sort();
  } catch (cause) {
    throw new NetworkError('NETWORK_DATA', `${folder}: not a folder that can be read`, { cause });
  }
}

async function readPicture(file: string, picture: PictureFormat): Promise<Float32Array> {
  try {
    const { data, info } = await sharp(file, { limitInputPixels: MAX_PIXELS })
      .rotate()
      .flatten()
      .toColourspace('srgb')
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    // Grey files have one channel; camera frames never do.
    const frame =
      info.channels === 3 ? data : Uint8Array.from({ length: 3 * data.length }, (_, i) => data[(i / 3) | 0]!);
    return await prepareFrame(frame, { width: info.width, height: info.height }, picture);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new NetworkError('NETWORK_DATA', `${file}: cannot be read as a picture (${why})`, { cause });
  }
}

/**
 * Reads pictures from folders named after their classes (`photos/empty/1.jpg`), turned upright and scaled to the network's size as on a
 * gateway. They are shuffled, in the same way every time, so that any part holds all classes.
 *
 * @throws NetworkError NETWORK_DATA naming the folder or file at fault.
 */
export async function readPictureFolder(source: FolderSource): Promise<Dataset> {
  const { folder, picture, signal } = source;
  const found = await foldersOf(folder);
  const names = source.names ?? found;
  const unknown = found.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new NetworkError(
      'NETWORK_DATA',
      `${join(folder, unknown)}: not one of the classes ${names.join(', ')}`,
    );
  }
  if (names.length < 2) {
    throw new NetworkError('NETWORK_DATA', `${folder}: expected at least two folders, one a class`);
  }
  const files: { readonly file: string; readonly label: number }[] = [];
  for (const [label, name] of names.entries()) {
    const entries = found.includes(name) ? (await readdir(join(folder, name))).sort() : [];
    const pictures = entries.filter((entry) => PICTURE_FILE.test(entry));
    if (pictures.length === 0) {
      throw new NetworkError('NETWORK_DATA', `${join(folder, name)}: holds no pictures (jpg, png, webp …)`);
    }
    files.push(...pictures.map((entry) => ({ file: join(folder, name, entry), label })));
  }
  const order = Uint32Array.from(files.keys());
  new SeededRandom(ORDER_SEED).shuffle(order);
  const size = pictureValues(picture);
  const pictures = new Float32Array(files.length * size);
  const classes = new Uint8Array(files.length);
  for (const [to, from] of order.entries()) {
    signal?.throwIfAborted();
    const { file, label } = files[from]!;
    pictures.set(await readPicture(file, picture), to * size);
    classes[to] = label;
  }
  return { picture, labels: names, pictures, classes };
}
