import { pictureValues } from '#network/model/dataset.ts';
import type { PictureFormat } from '#vision/picture-format.ts';
import type { Rectangle } from '#vision/prepare-picture.ts';
import { readBoxes } from '../boxes/read-boxes.ts';
import { type ClipDataset, type FrameSize, prepareFrame, readFrames } from './clip.ts';
import type { PictureBox } from './paste-people.ts';

/** A clip with a box for every person, and the region in which people are counted. */
export type PeopleSource = {
  readonly clip: string;
  /** People's boxes, see `readBoxes`. */
  readonly boxes: string;
  readonly region: Rectangle;
  /** Class n is n people; the last class is that many or more. */
  readonly labels: readonly string[];
  readonly picture: PictureFormat;
  readonly signal?: AbortSignal;
};

/** Number of boxes with their centre in the region. */
export function countInRegion(boxes: readonly PictureBox[], size: FrameSize, region: Rectangle): number {
  return boxes.filter((box) => {
    const x = (box.x + box.width / 2) / size.width;
    const y = (box.y + box.height / 2) / size.height;
    return x >= region.x && x < region.x + region.width && y >= region.y && y < region.y + region.height;
  }).length;
}

/** A box of the frame in pixels of the prepared picture. */
function inPicture(box: PictureBox, size: FrameSize, region: Rectangle, picture: PictureFormat): PictureBox {
  const scaleX = picture.width / (region.width * size.width);
  const scaleY = picture.height / (region.height * size.height);
  return {
    x: (box.x - region.x * size.width) * scaleX,
    y: (box.y - region.y * size.height) * scaleY,
    width: box.width * scaleX,
    height: box.height * scaleY,
  };
}

/**
 * Reads a clip as pictures of one region, labelled by how many people are in it; `boxes` are theirs, in pixels of the pictures.
 *
 * @throws NetworkError NETWORK_BOXES, NETWORK_DATA if a file cannot be read, NETWORK_CLIP if they do not belong together.
 */
export async function readPeopleInRegion(
  source: PeopleSource,
): Promise<ClipDataset & { readonly boxes: readonly (readonly PictureBox[])[] }> {
  const { clip, region, labels, picture, signal } = source;
  const boxes = await readBoxes(source.boxes, { labels: ['person'] });
  let extent: FrameSize = { width: 0, height: 0 };
  const inPictures: PictureBox[][] = [];
  const values: Float32Array[] = [];
  const classes: number[] = [];
  for await (const { frame, size } of readFrames(clip, signal)) {
    const here = boxes.of(values.length);
    extent = size;
    const people = countInRegion(here, size, region);
    inPictures.push(here.map((box) => inPicture(box, size, region, picture)));
    classes.push(Math.min(people, labels.length - 1));
    values.push(await prepareFrame(frame, size, picture, region));
  }
  boxes.checkClip(clip, { ...extent, frames: values.length });
  const pictures = new Float32Array(values.length * pictureValues(picture));
  values.forEach((one, i) => {
    pictures.set(one, i * one.length);
  });
  return {
    picture,
    labels,
    pictures,
    classes: Uint8Array.from(classes),
    frames: [...values.keys()],
    boxes: inPictures,
  };
}
