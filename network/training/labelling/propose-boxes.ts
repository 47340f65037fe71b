import { NetworkError } from '#network/errors.ts';
import { type FrameSize, readFrames } from '../datasets/clip.ts';
import { findThings } from './find-things.ts';
import { SceneSamples } from './scene.ts';
import { shrinkFactor, shrinkFrame, shrunkSize } from './shrink-frame.ts';
import { type TrackedBox, Tracker, type TrackOptions } from './tracker.ts';

/** How boxes are proposed; what is left out has a default. */
export type ProposalOptions = Partial<TrackOptions> & {
  /** Side of the smallest thing, √(width × height), in pixels of the clip; a twentieth of its height by default. */
  readonly minSize?: number;
  /** Least difference to the empty scene, of 255; {@link THRESHOLD} by default. */
  readonly threshold?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: ProposalProgress) => void;
};

/** Frames read so far; how many there are is known once the scene is. */
export type ProposalProgress = {
  readonly step: 'scene' | 'boxes';
  readonly frames: number;
  readonly of: number | null;
};

/** The outcome: boxes in pixels of the clip, with one decimal. */
export type Proposal = {
  readonly boxes: readonly TrackedBox[];
  readonly size: FrameSize;
  readonly frames: number;
  readonly things: number;
};

export const THRESHOLD = 30;
export const MIN_FRAMES = 5;
export const GAP = 5;
/** The smallest thing, as a share of the frame's height. */
const SMALLEST = 1 / 20;

/**
 * Proposes boxes for what moves in the clip of a fixed camera: what differs from the scene (each pixel's median over the clip), hangs
 * together, is large enough and is seen for some frames. What stands still for more than half of the clip belongs to the scene; things
 * that touch are one box.
 *
 * @throws NetworkError NETWORK_DATA if the clip cannot be read; the signal's reason.
 */
export async function proposeBoxes(clip: string, options: ProposalOptions = {}): Promise<Proposal> {
  const { signal, onProgress, threshold = THRESHOLD, minFrames = MIN_FRAMES, gap = GAP } = options;
  const samples = new SceneSamples();
  let frames = 0;
  let extent: FrameSize | null = null;
  for await (const { frame, size } of readFrames(clip, signal)) {
    signal?.throwIfAborted();
    samples.add(() => shrinkFrame(frame, size, shrinkFactor(size)));
    extent = size;
    frames++;
    onProgress?.({ step: 'scene', frames, of: null });
  }
  if (extent === null) throw new NetworkError('NETWORK_DATA', `${clip}: there is no frame in it`);
  const factor = shrinkFactor(extent);
  const small = shrunkSize(extent, factor);
  const minSize = (options.minSize ?? extent.height * SMALLEST) / factor;
  const scene = samples.scene();
  const tracker = new Tracker({ minFrames, gap });
  let number = 0;
  for await (const { frame, size } of readFrames(clip, signal)) {
    signal?.throwIfAborted();
    tracker.add(number, findThings(shrinkFrame(frame, size, factor), scene, small, { threshold, minSize }));
    number++;
    onProgress?.({ step: 'boxes', frames: number, of: frames });
  }
  const pixels = (value: number): number => Math.round(value * factor * 10) / 10;
  const boxes = tracker.boxes().map(({ frame, track, x, y, width, height }) => ({
    ...{ frame, track },
    ...{ x: pixels(x), y: pixels(y), width: pixels(width), height: pixels(height) },
  }));
  return { boxes, size: extent, frames, things: Math.max(0, ...boxes.map(({ track }) => track)) };
}
