/** A network that answers pictures, in whatever form. */
export type Runner = {
  /** What runs, with its version. */
  readonly runtime: string;
  run(picture: Float32Array): Promise<Uint8Array | Float32Array>;
};
