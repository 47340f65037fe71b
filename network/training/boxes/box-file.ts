import { NetworkError } from '#network/errors.ts';
import type { Box, FoundBox } from './box.ts';
import type { DrawnOn } from './coco-boxes.ts';

/** What boxes must fit: a clip's size in pixels, and how many frames it has. */
export type ClipExtent = DrawnOn & { readonly frames: number };

/** Boxes of one file: sorted by frame, in whatever order they stood there. */
export class BoxFile {
  readonly #file: string;
  readonly #found: readonly FoundBox[];
  readonly #byFrame: ReadonlyMap<number, readonly Box[]>;
  readonly #drawnOn: DrawnOn | null;

  constructor(file: string, found: readonly FoundBox[], drawnOn: DrawnOn | null) {
    this.#file = file;
    this.#found = found.toSorted((a, b) => a.box.frame - b.box.frame);
    this.#byFrame = Map.groupBy(this.boxes, ({ frame }) => frame);
    this.#drawnOn = drawnOn;
  }

  get boxes(): readonly Box[] {
    return this.#found.map(({ box }) => box);
  }

  /** Boxes of a frame, from 0; none where nothing is to be seen. */
  of(frame: number): readonly Box[] {
    return this.#byFrame.get(frame) ?? [];
  }

  /**
   * Makes sure that the boxes were drawn on this clip. One that is cut by the border of the frame is in order, one that lies outside is not.
   *
   * @throws NetworkError NETWORK_CLIP naming the line of the first box that cannot be.
   */
  checkClip(clip: string, { width, height, frames }: ClipExtent): void {
    const refuse = (place: string, what: string): never => {
      throw new NetworkError('NETWORK_CLIP', `${place}: ${what}; do they belong together?`);
    };
    const drawn = this.#drawnOn;
    if (drawn !== null && (drawn.width !== width || drawn.height !== height)) {
      const sizes = `boxes on pictures of ${drawn.width} × ${drawn.height} pixels, but ${clip} has ${width} × ${height}`;
      refuse(this.#file, sizes);
    }
    for (const { box, place } of this.#found) {
      if (box.frame >= frames) {
        const counted = `a box in frame ${box.frame} (the first is 0), but ${clip} has ${frames} frames`;
        refuse(place, counted);
      }
      if (box.x >= width || box.y >= height || box.x + box.width <= 0 || box.y + box.height <= 0) {
        const corner = `at ${box.x}, ${box.y} of ${box.width} × ${box.height} pixels`;
        refuse(place, `a box ${corner} lies outside of the ${width} × ${height} of ${clip}`);
      }
    }
  }
}
