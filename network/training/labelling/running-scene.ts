import type { Scene } from './scene.ts';

/** A scene that is known while a camera runs: each byte's mean, the plain one at first, later one with a time constant. */
export class RunningScene {
  readonly #constantMs: number;
  #mean: Float32Array | null = null;
  #ageMs = 0;

  /** @param seconds time constant */
  constructor(seconds: number) {
    this.#constantMs = 1000 * seconds;
  }

  /** The scene before this frame, which then becomes part of it; null for the first. @param passedMs since the frame before */
  take(frame: Uint8Array, passedMs: number): Scene | null {
    const mean = this.#mean;
    if (mean === null) {
      this.#mean = Float32Array.from(frame);
      return null;
    }
    const colors = new Uint8Array(mean.length);
    const share = passedMs / (Math.min(this.#constantMs, this.#ageMs) + passedMs);
    this.#ageMs += passedMs;
    for (let i = 0; i < mean.length; i++) {
      colors[i] = Math.round(mean[i]!);
      mean[i]! += share * (frame[i]! - mean[i]!);
    }
    return { colors, spread: new Uint8Array(mean.length) };
  }
}
