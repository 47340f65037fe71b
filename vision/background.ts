/** Tiles of a picture, in which a scene is recognized: some may show something else. */
const TILES_ACROSS = 6;
const TILES_DOWN = 4;
/** A scene is the same while the edges of a quarter of its tiles are like those of the background. */
const LIKE_TILES = (TILES_ACROSS * TILES_DOWN) / 4;
/**
 * Least likeness of edges, from −1 to 1, of a tile that shows the same. Of three clips with fixed cameras, a quarter of the tiles has at least
 * 0.49 in every frame, also behind a car that fills a quarter of the picture; when the camera has turned by 3 pixels of 96 across and
 * down at most 0.14.
 */
const LIKE = 0.4;
/** Where half of the pixels are within so many byte steps of the background, it is no other scene: noise in the dark has no edges of its own. */
const CALM = 3;
/** Most that another exposure changes: what is darker than that is a lens that something covers. */
const MOST_GAIN = 8;
/** Brighter than white a pixel cannot become. */
const WHITE = 255;

/**
 * What a fixed camera shows when nothing moves: each pixel's mean over the time constant, of one region of one camera. It says how far
 * a picture is from it. It starts again when the scene becomes another, and after an absence it soon forgets what was before.
 * All of it is in memory only.
 *
 * Sums and products are rounded as IEEE 754 says, in one order, so every machine computes the same bytes.
 */
export class Background {
  readonly #width: number;
  readonly #seconds: number;
  #mean: Float64Array | null = null;
  #timeMs = 0;
  /** For how long this scene has been seen. */
  #ageMs = 0;

  /**
   * @param width of the pictures in pixels
   * @param seconds time constant, > 0
   */
  constructor(width: number, seconds: number) {
    this.#width = width;
    this.#seconds = seconds;
  }

  /**
   * Takes the next picture in.
   *
   * @param grey its bytes, rows from the top
   * @param timeMs when it was taken; a clock that is set back stops the mean for one picture
   * @returns for each pixel how far it is from the background as it was before, in byte steps; a change of light that all pixels share does not
   * count. All zero for the first picture of a scene.
   */
  update(grey: Uint8Array, timeMs: number): Uint8Array<ArrayBuffer> {
    const motion = new Uint8Array(grey.length);
    const mean = this.#mean;
    const passedMs = Math.max(0, timeMs - this.#timeMs);
    this.#timeMs = timeMs;
    if (mean?.length !== grey.length) return this.#restart(grey, motion);
    let light = commonChange(grey, mean);
    if (2 * measure(grey, mean, light, motion) > grey.length) {
      // Another exposure changes what is bright more than what is dark.
      const exposed = exposedAs(grey, mean);
      if (exposed !== null && 2 * measure(grey, exposed, 0, motion) <= grey.length) {
        mean.set(exposed);
        light = 0;
      } else if (isOther(grey, mean, this.#width)) return this.#restart(grey, motion.fill(0));
      else measure(grey, mean, light, motion);
    }
    // The plain mean of a young scene, then one that forgets.
    const constantMs = Math.min(1000 * this.#seconds, this.#ageMs);
    const share = passedMs === 0 ? 0 : passedMs / (constantMs + passedMs);
    this.#ageMs += passedMs;
    for (let i = 0; i < grey.length; i++) mean[i]! += light + share * (grey[i]! - mean[i]! - light);
    return motion;
  }

  #restart(grey: Uint8Array, motion: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    this.#mean = Float64Array.from(grey);
    this.#ageMs = 0;
    return motion;
  }
}

/** By how many byte steps half of the pixels have become brighter, and half have not. */
function commonChange(grey: Uint8Array, mean: Float64Array): number {
  const counts = new Uint32Array(511);
  for (let i = 0; i < grey.length; i++) counts[255 + Math.round(grey[i]! - mean[i]!)]!++;
  let below = 0;
  let change = -256;
  while (2 * below < grey.length) below += counts[255 + ++change]!;
  return change;
}

/** Writes how far each pixel is from the background in a light. @returns how many are too far to be calm */
function measure(grey: Uint8Array, mean: Float64Array, light: number, motion: Uint8Array): number {
  let changed = 0;
  for (let i = 0; i < grey.length; i++) {
    const away = Math.abs(grey[i]! - mean[i]! - light);
    motion[i] = Math.min(255, Math.round(away));
    if (away > CALM) changed++;
  }
  return changed;
}

/**
 * The background in the exposure of a picture: the line through the medians of the darker and the brighter half of what is not white; null
 * where that is none.
 */
function exposedAs(grey: Uint8Array, mean: Float64Array): Float64Array | null {
  const byLight = Uint32Array.from(grey.keys())
    .filter((at) => grey[at]! < WHITE)
    .sort((a, b) => mean[a]! - mean[b]! || a - b);
  const half = byLight.length >> 1;
  const [dark, bright] = [byLight.subarray(0, half), byLight.subarray(half)];
  const median = (values: ArrayLike<number>, of: Uint32Array) =>
    Float64Array.from(of, (at) => values[at]!).sort()[of.length >> 1]!;
  const [from, to] = [median(mean, dark), median(mean, bright)];
  const [darkNow, brightNow] = [median(grey, dark), median(grey, bright)];
  const gain = (brightNow - darkNow) / (to - from);
  if (!(gain >= 1 / MOST_GAIN && gain <= MOST_GAIN)) return null;
  return mean.map((value) => Math.min(WHITE, Math.max(0, darkNow + gain * (value - from))));
}

/** Whether a picture shows another scene than the background. */
function isOther(grey: Uint8Array, mean: Float64Array, width: number): boolean {
  const height = grey.length / width;
  const tiles = Array.from({ length: TILES_ACROSS * TILES_DOWN }, () => ({ both: 0, grey: 0, mean: 0 }));
  for (let y = 0; y + 1 < height; y++) {
    for (let x = 0; x + 1 < width; x++) {
      const at = y * width + x;
      const tile =
        tiles[Math.floor((y * TILES_DOWN) / height) * TILES_ACROSS + Math.floor((x * TILES_ACROSS) / width)]!;
      for (const neighbor of [at + 1, at + width]) {
        const edge = grey[neighbor]! - grey[at]!;
        const known = mean[neighbor]! - mean[at]!;
        tile.both += edge * known;
        tile.grey += edge * edge;
        tile.mean += known * known;
      }
    }
  }
  const alike = tiles.filter(({ both, grey, mean }) => 2 * both >= LIKE * (grey + mean));
  return alike.length < LIKE_TILES;
}
