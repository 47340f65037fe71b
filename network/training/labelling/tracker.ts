import type { PictureBox } from '../datasets/paste-people.ts';

/** A box of a thing that is followed from frame to frame. */
export type TrackedBox = PictureBox & {
  readonly frame: number;
  /** Number of the thing, from 1. */
  readonly track: number;
};

/** How things are followed. */
export type TrackOptions = {
  /** Frames in which a thing must be seen. */
  readonly minFrames: number;
  /** Most frames in a row in which it may be missed; boxes are put there in between. */
  readonly gap: number;
};

type Seen = PictureBox & { readonly frame: number };
type Track = { readonly seen: Seen[] };

/** Least overlap (intersection over union) of a box with where its thing was expected. */
const LEAST_OVERLAP = 0.15;
/** Frames over which a speed is measured. */
const SPEED_FRAMES = 5;

/** Intersection over union of two boxes, 0 to 1. */
export function overlapOf(a: PictureBox, b: PictureBox): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  if (width <= 0 || height <= 0) return 0;
  const both = width * height;
  return both / (a.width * a.height + b.width * b.height - both);
}

/** Corners of `from`, moved by `share` of the way to those of `to`. */
function between(from: PictureBox, to: PictureBox, share: number): PictureBox {
  const at = (side: keyof PictureBox): number => from[side] + share * (to[side] - from[side]);
  return { x: at('x'), y: at('y'), width: at('width'), height: at('height') };
}

/** Where a thing will be in a frame if it goes on as in the last frames. */
function expected({ seen }: Track, frame: number): PictureBox {
  const last = seen.at(-1)!;
  const before = seen.at(-SPEED_FRAMES) ?? seen[0]!;
  const frames = last.frame - before.frame;
  if (frames === 0) return last;
  const speed = (axis: 'x' | 'y', side: 'width' | 'height'): number =>
    (last[axis] + last[side] / 2 - before[axis] - before[side] / 2) / frames;
  const ahead = frame - last.frame;
  return {
    ...last,
    x: last.x + ahead * speed('x', 'width'),
    y: last.y + ahead * speed('y', 'height'),
  };
}

/** Follows things from frame to frame, by where their boxes are expected: the best overlap is taken first. */
export class Tracker {
  readonly #options: TrackOptions;
  #followed: Track[] = [];
  readonly #ended: Track[] = [];

  constructor(options: TrackOptions) {
    this.#options = options;
  }

  /** Frames come in order. */
  add(frame: number, boxes: readonly PictureBox[]): void {
    const pairs = this.#followed
      .flatMap((track) => {
        const place = expected(track, frame);
        return boxes.map((box) => ({ track, box, overlap: overlapOf(place, box) }));
      })
      .filter(({ overlap }) => overlap >= LEAST_OVERLAP)
      .sort((a, b) => b.overlap - a.overlap);
    const taken = new Set<Track | PictureBox>();
    for (const { track, box } of pairs) {
      if (taken.has(track) || taken.has(box)) continue;
      taken.add(track).add(box);
      track.seen.push({ ...box, frame });
    }
    for (const box of boxes) if (!taken.has(box)) this.#followed.push({ seen: [{ ...box, frame }] });
    const lost = (track: Track): boolean => frame - track.seen.at(-1)!.frame > this.#options.gap;
    this.#ended.push(...this.#followed.filter(lost));
    this.#followed = this.#followed.filter((track) => !lost(track));
  }

  /** Boxes of the things that were seen often enough, by frame; gaps are filled evenly. */
  boxes(): TrackedBox[] {
    const tracks = [...this.#ended, ...this.#followed]
      .filter(({ seen }) => seen.length >= this.#options.minFrames)
      .sort((a, b) => a.seen[0]!.frame - b.seen[0]!.frame);
    return tracks
      .flatMap(({ seen }, i) =>
        seen.flatMap((from, n) => {
          const to = seen[n + 1] ?? { ...from, frame: from.frame + 1 };
          const frames = to.frame - from.frame;
          return Array.from({ length: frames }, (_, step) => ({
            ...between(from, to, step / frames),
            frame: from.frame + step,
            track: i + 1,
          }));
        }),
      )
      .sort((a, b) => a.frame - b.frame);
  }
}
