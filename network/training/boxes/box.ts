/** Something that is to be found in a clip's frame. */
export type Box = {
  /** Frame number, from 0. */
  readonly frame: number;
  readonly label: string;
  /** Upper left corner in pixels of the clip, from 0; it may lie outside of the frame, as that of somebody who is walking in. */
  readonly x: number;
  readonly y: number;
  /** Pixels of the clip, above 0. */
  readonly width: number;
  readonly height: number;
};

/** How boxes of others are read. */
export type BoxOptions = {
  /**
   * Labels that are wanted, all by default; boxes of others are left out. A file that names no labels can only be read with one of them,
   * which all of its boxes then have.
   */
  readonly labels?: readonly string[];
  /** Number of the clip's first frame in the file: 1 for `gt.txt` of MOTChallenge by default, otherwise 0. */
  readonly firstFrame?: number;
};

/** A box with where it stands in its file, for messages: a line of text, an element of JSON. */
export type FoundBox = { readonly box: Box; readonly place: string };
