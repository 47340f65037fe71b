import { readFile } from 'node:fs/promises';
import { NetworkError } from '#network/errors.ts';
import { pictureValues } from '#network/model/dataset.ts';
import type { PictureFormat } from '#vision/picture-format.ts';
import type { Rectangle } from '#vision/prepare-picture.ts';
import { type ClipDataset, type FrameSize, prepareFrame, readFrames } from './clip.ts';
import type { PictureBox } from './paste-people.ts';

/** A clip with a box for every person, and the region in which people are counted. */
export type PeopleSource = {
  readonly clip: string;
  /** Lines "frame,person,x,y,width,height" in pixels of the clip, with a heading. */
  readonly boxes: string;
  readonly region: Rectangle;
  /** Class n is n people; the last class is that many or more. */
  readonly labels: readonly string[];
  readonly picture: PictureFormat;
  readonly signal?: AbortSignal;
};

/** A person's box in pixels. */
type Box = PictureBox;

/** Boxes by frame number. @throws NetworkError NETWORK_DATA naming the line that is wrong. */
export function parseBoxes(text: string, where: string): Map<number, Box[]> {
  const boxes = new Map<number, Box[]>();
  text
    .trim()
    .split(/\r?\n/)
    .slice(1)
    .forEach((line, i) => {
      const [frame, , x, y, width, height, ...more] = line.split(',').map(Number);
      if (
        ![frame, x, y, width, height].every((value) => Number.isFinite(value)) ||
        !Number.isInteger(frame) ||
        more.length > 0
      ) {
        throw new NetworkError(
          'NETWORK_DATA',
          `${where}:${i + 2}: expected "frame,person,x,y,width,height", found "${line}"`,
        );
      }
      const list = boxes.get(frame!) ?? [];
      list.push({ x: x!, y: y!, width: width!, height: height! });
      boxes.set(frame!, list);
    });
  return boxes;
}

/** Number of boxes with their centre in the region. */
export function countInRegion(boxes: readonly Box[], size: FrameSize, region: Rectangle): number {
  return boxes.filter((box) => {
    const x = (box.x + box.width / 2) / size.width;
    const y = (box.y + box.height / 2) / size.height;
    return x >= region.x && x < region.x + region.width && y >= region.y && y < region.y + region.height;
  }).length;
}

/** A box of the frame in pixels of the prepared picture. */
function inPicture(box: Box, size: FrameSize, region: Rectangle, picture: PictureFormat): PictureBox {
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
 * @throws NetworkError NETWORK_DATA if the files cannot be read or name frames that the clip does not have.
 */
export async function readPeopleInRegion(
  source: PeopleSource,
): Promise<ClipDataset & { readonly boxes: readonly (readonly PictureBox[])[] }> {
  const { clip, region, labels, picture, signal } = source;
  const text = await readFile(source.boxes, 'utf8').catch((cause: unknown) => {
    throw new NetworkError('NETWORK_DATA', `${source.boxes}: cannot be read`, { cause });
  });
  const boxes = parseBoxes(text, source.boxes);
  const inPictures: PictureBox[][] = [];
  const values: Float32Array[] = [];
  const classes: number[] = [];
  for await (const { frame, size } of readFrames(clip, signal)) {
    const here = boxes.get(values.length) ?? [];
    const people = countInRegion(here, size, region);
    inPictures.push(here.map((box) => inPicture(box, size, region, picture)));
    classes.push(Math.min(people, labels.length - 1));
    values.push(await prepareFrame(frame, size, picture, region));
  }
  const beyond = Math.max(...boxes.keys());
  if (beyond >= values.length) {
    throw new NetworkError(
      'NETWORK_DATA',
      `${source.boxes} has boxes in frame ${beyond}, but ${clip} has ${values.length} frames`,
    );
  }
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
