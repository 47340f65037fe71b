/** How the values of a picture come about, whatever its size. */
export type PictureTreatment = {
  /** `normalize` where the network wants its light normalized (normalize-light.ts); absent where it wants byte / 255. */
  readonly light?: 'normalize';
  /** The last channel is motion: how far each pixel is from its own slow mean (background.ts). Absent where there is no such channel. */
  readonly motion?: {
    /** Time constant of that mean, in seconds. */
    readonly seconds: number;
  };
};

/** The input of a network. */
export type PictureFormat = PictureTreatment & {
  /** 1 (grey) or 3 (red, green, blue); one more with motion. */
  readonly channels: number;
  readonly height: number;
  readonly width: number;
};

/** The treatment alone, without what is not set. */
export function treatmentOf({ light, motion }: PictureTreatment): PictureTreatment {
  return { ...(light && { light }), ...(motion && { motion }) };
}

/** Channels that a frame shows: all but motion. */
export function shownChannels({ channels, motion }: Pick<PictureFormat, 'channels' | 'motion'>): number {
  return motion === undefined ? channels : channels - 1;
}
