import sharp from 'sharp';
import type { PictureShape } from '#fhe';
import type { Rectangle } from '#vision/prepare-picture.ts';
import { RegionView } from '#vision/region-view.ts';
import type { MaskedFrame } from './privacy-filter.ts';

// A daemon's settings: one thread, or a picture's worth of memory is kept for each; no cache, or frames linger in it.
sharp.concurrency(1);
sharp.cache(false);

/** Prepares the frames of one camera, region by region, and remembers in memory what motion is measured against: nothing of it outlives this. */
export class CameraViews {
  #shape: PictureShape | null = null;
  readonly #views = new Map<Rectangle | undefined, RegionView>();

  /**
   * Prepares the regions that one run of a network answers about. Where there are fewer, they are repeated: a black picture could be one that
   * the network was never calibrated for, and its answer would let the backend withhold the others.
   *
   * @param regions at least one, the same object from frame to frame; undefined for the whole picture
   * @param count regions that the network takes
   * @returns the bytes of `count` regions, one after the other; their light is not normalized yet (`pictureInputs`)
   */
  async prepare(
    frame: MaskedFrame,
    shape: PictureShape,
    regions: readonly (Rectangle | undefined)[],
    count: number,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const size = shape.channels * shape.height * shape.width;
    const bytes = new Uint8Array(count * size);
    for (let i = 0; i < count; i++) {
      const again = i % regions.length;
      if (again < i) bytes.copyWithin(i * size, again * size, (again + 1) * size);
      else bytes.set(await this.#view(shape, regions[i]).prepare(frame, frame.timeMs), i * size);
    }
    return bytes;
  }

  /** Another network that wants the same pictures, and an interpreter that was restarted, find the same background. */
  #view(shape: PictureShape, region: Rectangle | undefined): RegionView {
    if (JSON.stringify(shape) !== JSON.stringify(this.#shape)) this.#views.clear();
    this.#shape = shape;
    const view = this.#views.get(region) ?? new RegionView(shape, region);
    this.#views.set(region, view);
    return view;
  }
}
