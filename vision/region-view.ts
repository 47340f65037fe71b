import { Background } from './background.ts';
import type { PictureFormat } from './picture-format.ts';
import { prepareBytes, type RawFrame, type Rectangle } from './prepare-picture.ts';

/**
 * What a network sees of one region of one camera, frame after frame: {@link prepareBytes} and, where the network wants it, motion. Training and
 * gateways prepare with this, so a gateway shows a network what it was trained on.
 */
export class RegionView {
  readonly #format: PictureFormat;
  readonly #region: Rectangle | undefined;
  readonly #background: Background | null;

  /** @param region undefined for the entire picture */
  constructor(format: PictureFormat, region?: Rectangle) {
    this.#format = format;
    this.#region = region;
    this.#background = format.motion ? new Background(format.width, format.motion.seconds) : null;
  }

  /**
   * Prepares the next frame; one at a time, in the order in which they were taken.
   *
   * @param timeMs when it was taken
   * @returns channels × height × width bytes, channel first, rows from the top; their light is not normalized yet (`pictureInput`)
   */
  async prepare(frame: RawFrame, timeMs: number): Promise<Uint8Array<ArrayBuffer>> {
    const shown = await prepareBytes(frame, this.#format, this.#region);
    if (this.#background === null) return shown;
    const { channels, height, width } = this.#format;
    const size = height * width;
    const bytes = new Uint8Array(channels * size);
    bytes.set(shown);
    bytes.set(this.#background.update(greyOf(shown, size), timeMs), shown.length);
    return bytes;
  }
}

/** The brightness of a shrunk picture: its only channel, or the luma of three (ITU-R BT.601, in 256ths). */
function greyOf(shown: Uint8Array<ArrayBuffer>, size: number): Uint8Array {
  if (shown.length === size) return shown;
  return Uint8Array.from(
    { length: size },
    (_, i) => (77 * shown[i]! + 150 * shown[size + i]! + 29 * shown[2 * size + i]! + 128) >> 8,
  );
}
