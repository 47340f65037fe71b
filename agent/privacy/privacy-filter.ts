import type { Frame } from '../camera/frame.ts';
import { applyMask, compileMask, type Mask, type Polygon } from './mask.ts';

declare const masked: unique symbol;

/** A frame whose private parts are black. Nothing but this type reaches encryption or the preview. */
export type MaskedFrame = Frame & { readonly [masked]: true };

/** Blackens one camera's masks; the mask is recomputed whenever the picture size changes. */
export class PrivacyFilter {
  readonly #polygons: readonly Polygon[];
  #mask: Mask | null = null;

  constructor(polygons: readonly Polygon[]) {
    this.#polygons = polygons;
  }

  /** Blackens the frame's own bytes, so that no copy of the private pixels is left. */
  apply(frame: Frame): MaskedFrame {
    if (this.#polygons.length > 0) {
      if (this.#mask?.width !== frame.width || this.#mask.height !== frame.height) {
        this.#mask = compileMask(this.#polygons, frame.width, frame.height);
      }
      applyMask(this.#mask, frame.data);
    }
    return frame as MaskedFrame;
  }
}
