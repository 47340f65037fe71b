/** One picture of a camera, in memory only: interleaved RGB, 8 bits a channel, row-major. */
export type Frame = {
  readonly width: number;
  readonly height: number;
  /** width × height × 3 bytes. Whoever takes the frame owns them and may write into them (masks do). */
  readonly data: Uint8Array;
  /** Milliseconds since the epoch when the picture began to arrive from the decoder. */
  readonly timeMs: number;
  /** Counts the pictures of one camera from 1 on, over restarts of its capture. */
  readonly number: number;
};
