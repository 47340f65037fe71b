/** The input of a network. */
export type PictureFormat = {
  /** 1 (grey) or 3 (red, green, blue). */
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  /** `normalize` where the network wants its light normalized (normalize-light.ts); absent where it wants byte / 255. */
  readonly light?: 'normalize';
};
