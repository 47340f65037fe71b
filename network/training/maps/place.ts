/** Where something is in a picture: its middle and its size, in fractions of the picture. */
export type Place = {
  /** Of the network's labels. */
  readonly class: number;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
};
