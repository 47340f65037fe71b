import type { Format } from './formats/node.ts';

/** A parser of bytes that somebody else wrote, and what may come of them. */
export type Target = {
  readonly name: string;
  /** How its inputs are built; without one they are changed as bytes. */
  readonly format?: Format;
  /** Words that its inputs are made of. */
  readonly dictionary?: readonly string[];
  /** Largest input, in bytes; by default four times the largest seed, and at least 4096. */
  readonly maxBytes?: number;
  /** Parts of the paths of the sources whose coverage guides it. */
  readonly sources: readonly string[];
  /** What the real encoders write: at least one input that the parser takes. */
  seeds(): Promise<readonly Uint8Array[]> | readonly Uint8Array[];
  /**
   * Parses one input and checks whatever must hold of the result.
   *
   * @returns whether the input was taken
   * @throws for input that is refused, as documented: an error with a code of `refusals`. Everything else that it throws is a find.
   */
  run(input: Uint8Array): boolean | Promise<boolean>;
  /** Codes that the parser documents. */
  readonly refusals: readonly string[];
  /** Of the inputs that a run is for: less than 1 for parsers that are slow by nature, as they read files or multiply points of curves. */
  readonly share?: number;
  /** Milliseconds that one input may take; a second by default. */
  readonly maxMs?: number;
};
