import { BlindsightError } from '#protocol/errors.ts';

/** One decoded picture. */
export type PpmPicture = { readonly width: number; readonly height: number; readonly data: Uint8Array };

const MAX_HEADER_BYTES = 64;
const MAX_SIDE = 8192;
const HEADER = /^P6\s(\d{1,5})\s(\d{1,5})\s255\s$/;
const NEWLINE = 10;

/**
 * Cuts a byte stream of binary PPM pictures (P6, 255) into pictures. Each picture's bytes are a buffer of their own:
 * {@link recycle} gives one back when nobody uses it, so that a steady stream allocates nothing.
 */
export class PpmReader {
  readonly #onStart: () => void;
  readonly #onPicture: (picture: PpmPicture) => void;
  #header = '';
  #size: { width: number; height: number } | null = null;
  #data: Uint8Array = new Uint8Array(0);
  #filled = 0;
  #spare: Uint8Array | null = null;

  /**
   * @param onStart called when the first byte of a picture has come
   * @param onPicture called when its last byte has come
   */
  constructor(onStart: () => void, onPicture: (picture: PpmPicture) => void) {
    this.#onStart = onStart;
    this.#onPicture = onPicture;
  }

  /**
   * Reads the next piece of the stream.
   *
   * @throws BlindsightError CAMERA_STREAM where the bytes are not PPM or a side is above 8192 pixels.
   */
  push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      at = this.#size === null ? this.#readHeader(chunk, at) : this.#readData(chunk, at);
    }
  }

  /** Offers a buffer for the next picture of the same size. */
  recycle(data: Uint8Array): void {
    this.#spare = data;
  }

  #readHeader(chunk: Uint8Array, from: number): number {
    if (this.#header === '') this.#onStart();
    let at = from;
    while (at < chunk.length) {
      const byte = chunk[at++]!;
      this.#header += String.fromCharCode(byte);
      if (this.#header.length > MAX_HEADER_BYTES) {
        throw new BlindsightError('CAMERA_STREAM', 'the decoder returned something that is not a picture');
      }
      if (byte === NEWLINE && this.#begin()) break;
    }
    return at;
  }

  /** Begins the picture if the header is complete: three lines. */
  #begin(): boolean {
    if (this.#header.split('\n').length < 4) return false;
    const match = HEADER.exec(this.#header);
    const width = Number(match?.[1] ?? 0);
    const height = Number(match?.[2] ?? 0);
    if (width < 1 || height < 1 || width > MAX_SIDE || height > MAX_SIDE) {
      throw new BlindsightError(
        'CAMERA_STREAM',
        `picture size ${width}×${height}: 1 to ${MAX_SIDE} pixels a side`,
      );
    }
    const bytes = width * height * 3;
    this.#size = { width, height };
    this.#data = this.#spare?.length === bytes ? this.#spare : new Uint8Array(bytes);
    this.#spare = null;
    this.#filled = 0;
    this.#header = '';
    return true;
  }

  #readData(chunk: Uint8Array, from: number): number {
    const count = Math.min(chunk.length - from, this.#data.length - this.#filled);
    this.#data.set(chunk.subarray(from, from + count), this.#filled);
    this.#filled += count;
    if (this.#filled === this.#data.length && this.#size !== null) {
      const picture = { ...this.#size, data: this.#data };
      this.#size = null;
      this.#onPicture(picture);
    }
    return from + count;
  }
}
