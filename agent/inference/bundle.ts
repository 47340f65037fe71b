import type { Manifest } from '#protocol/manifest.ts';

/** A bundle whose parts are in a folder, one file each, named after the parts. */
export type Bundle = {
  /** SHA-256, hex, of the signed manifest. */
  readonly digest: string;
  readonly directory: string;
  readonly manifest: Manifest;
};

export type InterpreterKind = 'reference' | 'engine';
