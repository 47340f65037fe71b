import { pictureValues } from '#network/model/dataset.ts';
import type { PictureFormat } from '#vision/picture-format.ts';
import type { Rectangle } from '#vision/prepare-picture.ts';
import { RegionView } from '#vision/region-view.ts';
import type { Box } from '../boxes/box.ts';
import { readBoxes } from '../boxes/read-boxes.ts';
import { type FrameSize, readFrames } from '../datasets/clip.ts';
import type { MapDataset } from './map-dataset.ts';
import type { Place } from './place.ts';

/** A clip and boxes of what is to be found in it. */
export type MapSource = {
  readonly clip: string;
  /** See `readBoxes`. */
  readonly boxes: string;
  /** The entire frame by default. */
  readonly region?: Rectangle;
  readonly labels: readonly string[];
  readonly picture: PictureFormat;
  readonly signal?: AbortSignal;
};

const WHOLE: Rectangle = { x: 0, y: 0, width: 1, height: 1 };

/** A box in fractions of the region; null if its middle is not in it. What reaches beyond the frame is cut off first. */
function placeIn(box: Box, size: FrameSize, region: Rectangle, labels: readonly string[]): Place | null {
  const left = Math.max(0, box.x);
  const top = Math.max(0, box.y);
  const width = Math.min(size.width, box.x + box.width) - left;
  const height = Math.min(size.height, box.y + box.height) - top;
  const x = ((left + width / 2) / size.width - region.x) / region.width;
  const y = ((top + height / 2) / size.height - region.y) / region.height;
  if (x < 0 || x >= 1 || y < 0 || y >= 1) return null;
  return {
    class: labels.indexOf(box.label),
    x,
    y,
    width: width / size.width / region.width,
    height: height / size.height / region.height,
  };
}

/**
 * Reads every frame of a clip as a network sees it, motion included, and what is to be found in it.
 *
 * @throws NetworkError NETWORK_BOXES, NETWORK_DATA if a file cannot be read, NETWORK_CLIP if they do not belong together.
 */
export async function readClipMap(source: MapSource): Promise<MapDataset> {
  const { clip, labels, picture, region, signal } = source;
  const boxes = await readBoxes(source.boxes, { labels });
  // Training varies bytes / 255, and the light is normalized afterwards.
  const view = new RegionView(picture, region);
  const prepared: Uint8Array[] = [];
  const places: Place[][] = [];
  let extent: FrameSize = { width: 0, height: 0 };
  for await (const { frame, size, timeMs } of readFrames(clip, signal)) {
    const here = boxes.of(prepared.length);
    places.push(here.flatMap((box) => placeIn(box, size, region ?? WHOLE, labels) ?? []));
    prepared.push(await view.prepare({ data: frame, ...size }, timeMs));
    extent = size;
  }
  boxes.checkClip(clip, { ...extent, frames: prepared.length });
  const size = pictureValues(picture);
  const pictures = new Float32Array(prepared.length * size);
  for (const [n, bytes] of prepared.entries()) {
    for (let i = 0; i < size; i++) pictures[n * size + i] = bytes[i]! / 255;
  }
  return { picture, labels, pictures, places };
}
