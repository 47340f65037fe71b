import { NetworkError } from '#network/errors.ts';

/** Pixels. */
type FrameSize = { readonly width: number; readonly height: number };

const LINE_BREAK = 10;
/** Bytes of a header: "P6", width and height, 255, a line each. */
const LONGEST_HEADER = 32;

/** Reads the pictures that ffmpeg writes one after the other as PPM: they say their size, turned upright, which raw video does not. */
export class PpmStream {
  readonly #file: string;
  readonly #header: number[] = [];
  #size: FrameSize | null = null;
  #frame = new Uint8Array(0);
  #filled = -1;

  /** @param file the clip, for messages */
  constructor(file: string) {
    this.#file = file;
  }

  /**
   * @returns the pictures that the bytes complete, RGB; the buffer is the same for all
   * @throws NetworkError NETWORK_DATA for anything but pictures of one size
   */
  *push(chunk: Uint8Array): Generator<{ frame: Uint8Array; size: FrameSize }> {
    for (let at = 0; at < chunk.length; ) {
      if (this.#filled < 0) {
        this.#header.push(chunk[at++]!);
        this.#endHeader();
        continue;
      }
      const part = chunk.subarray(at, at + this.#frame.length - this.#filled);
      this.#frame.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled < this.#frame.length) continue;
      this.#filled = -1;
      yield { frame: this.#frame, size: this.#size! };
    }
  }

  #endHeader(): void {
    const breaks = this.#header.filter((byte) => byte === LINE_BREAK).length;
    if (breaks < 3 && this.#header.length < LONGEST_HEADER) return;
    const text = String.fromCharCode(...this.#header.splice(0));
    const [, width = 0, height = 0] = /^P6\n(\d{1,5}) (\d{1,5})\n255\n$/.exec(text)?.map(Number) ?? [];
    const { width: before, height: high } = this.#size ?? { width, height };
    if (width === 0 || height === 0 || width !== before || height !== high)
      throw new NetworkError('NETWORK_DATA', `${this.#file}: ffmpeg wrote something else than its pictures`);
    if (this.#size === null) this.#frame = new Uint8Array(width * height * 3);
    this.#size = { width, height };
    this.#filled = 0;
  }
}
