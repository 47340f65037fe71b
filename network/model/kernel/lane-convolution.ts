import type { Workspace } from './workspace.ts';

/** Pictures of a job: their group beside each other. */
const LANES = 8;
/** Pixels of the output that slopes are summed over before they are stored; 64 was faster than 16 and 32. */
const CHUNK = 64;
/** Maps whose slopes one thread sums: they share what is read of the input. */
const SLOPE_MAPS = 16;
/** Floats behind arrays of lanes that `slopes` may read. */
const BEHIND = 3 * LANES;
/** Parts of a pass, at least, so that all threads have work. */
const PARTS = 8;

/** What is convolved: a table of windows, and how many maps of what. */
export type LaneGeometry = {
  readonly channels: number;
  readonly maps: number;
  /** Pixels of a channel of the input. */
  readonly pixels: number;
  readonly positions: number;
  readonly taps: number;
  /** index[tap · positions + position]: pixel of the input, or −1 on padding. */
  readonly index: Int32Array;
};

/** Where the values of pictures are: distance of two pictures and of two channels, in floats. */
export type PictureStrides = { readonly picture: number; readonly channel: number };

/** Weights [map][channel][tap] and biases, or their gradients. */
export type Filters = { readonly weights: Float32Array; readonly biases: Float32Array | undefined };

/** Runs of the rows that make each of `count` pixels: where each pixel's begin, and (row of the input, row of the weights, length). */
function runsOf(
  count: number,
  length: number,
  sources: readonly (readonly (readonly [pixel: number, tap: number])[])[],
): { starts: Int32Array; runs: Int32Array } {
  const starts = new Int32Array(count + 1);
  const runs: number[] = [];
  sources.forEach((pairs, p) => {
    const first = runs.length;
    for (const [pixel, tap] of pairs) {
      const at = runs.length - 3;
      const goesOn =
        at >= first &&
        runs[at]! + runs[at + 2]! === pixel * length &&
        runs[at + 1]! + runs[at + 2]! === tap * length;
      if (goesOn) runs[at + 2]! += length;
      else runs.push(pixel * length, tap * length, length);
    }
    const end = runs.length;
    starts[p + 1] = end / 3;
  });
  return { starts, runs: Int32Array.from(runs) };
}

/**
 * A convolution of batches, forward and backward, over the threads of a workspace. What it computes does not depend on their number. All arrays are of
 * the workspace. The five convolutions of network/zoo/cifar10 run at 16 products a nanosecond and core forward, 12 for the gradients of weights.
 */
export class LaneConvolution {
  readonly #workspace: Workspace;
  readonly #geometry: LaneGeometry;
  readonly #input: Float32Array;
  readonly #output: Float32Array;
  readonly #packed: Float32Array;
  readonly #sums: Float32Array;
  readonly #forwardRuns: { starts: Int32Array; runs: Int32Array };
  readonly #backwardRuns: { starts: Int32Array; runs: Int32Array } | null;
  readonly #pairs: { starts: Int32Array; pairs: Int32Array };
  readonly #args: Int32Array;
  readonly #chunks: number;

  /**
   * @param batch largest number of pictures.
   * @param trained whether {@link backward} is called, and also for the gradient by the input.
   */
  constructor(
    workspace: Workspace,
    geometry: LaneGeometry,
    batch: number,
    trained: { readonly weights: boolean; readonly input: boolean },
  ) {
    const { channels, maps, pixels, positions, taps, index } = geometry;
    const groups = Math.ceil(batch / LANES);
    this.#workspace = workspace;
    this.#geometry = geometry;
    this.#input = workspace.allocate(groups * pixels * channels * LANES + BEHIND);
    this.#output = workspace.allocate(groups * positions * maps * LANES + BEHIND);
    const rows = trained.input
      ? Math.max(padded(maps) * channels, padded(channels) * maps)
      : padded(maps) * channels;
    this.#packed = workspace.allocate(taps * rows);
    this.#sums = workspace.allocate(trained.weights ? taps * channels * padded(maps) : 0);
    this.#args = workspace.keep(new Int32Array(16));
    const keep = (table: { starts: Int32Array; runs: Int32Array }) => ({
      starts: workspace.keep(table.starts),
      runs: workspace.keep(table.runs),
    });
    const sources: [number, number][][] = Array.from({ length: positions }, () => []);
    const targets: [number, number][][] = Array.from({ length: pixels }, () => []);
    for (let tap = 0; tap < taps; tap++) {
      for (let p = 0; p < positions; p++) {
        const pixel = index[tap * positions + p]!;
        if (pixel < 0) continue;
        sources[p]!.push([pixel, tap]);
        targets[pixel]!.push([p, tap]);
      }
    }
    this.#forwardRuns = keep(runsOf(positions, channels, sources));
    this.#backwardRuns = trained.input ? keep(runsOf(pixels, maps, targets)) : null;
    this.#chunks = Math.ceil(positions / CHUNK);
    const starts = [0];
    const pairs: number[] = [];
    for (let chunk = 0; trained.weights && chunk < this.#chunks; chunk++) {
      for (let tap = 0; tap < taps; tap++) {
        const end = Math.min(positions, (chunk + 1) * CHUNK);
        for (let p = chunk * CHUNK; p < end; p++) {
          const pixel = index[tap * positions + p]!;
          if (pixel >= 0) pairs.push(4 * LANES * maps * p, 4 * LANES * channels * pixel);
        }
        starts.push(pairs.length / 2);
      }
    }
    this.#pairs = {
      starts: workspace.keep(Int32Array.from(starts)),
      pairs: workspace.keep(Int32Array.from(pairs)),
    };
  }

  #run(
    job: Parameters<Workspace['run']>[0],
    parts: number,
    ...words: (number | Float32Array | Int32Array)[]
  ): void {
    this.#workspace.run(job, this.#args, parts, words);
  }

  /** Turns pictures into lanes, or lanes into pictures. */
  #move(
    job: 'toLanes' | 'fromLanes',
    lanes: Float32Array,
    pictures: Float32Array,
    [channels, pixels]: readonly [number, number],
    batch: number,
    { picture, channel }: PictureStrides,
    add = false,
  ): void {
    const groups = Math.ceil(batch / LANES);
    this.#run(job, groups, lanes, pictures, channels, pixels, batch, picture, channel, add ? 1 : 0);
  }

  /** output = bias + convolution of the input. */
  forward(
    input: Float32Array,
    inputStrides: PictureStrides,
    { weights, biases }: Filters,
    output: Float32Array,
    outputStrides: PictureStrides,
    batch: number,
  ): void {
    const { channels, maps, pixels, positions, taps } = this.#geometry;
    const groups = Math.ceil(batch / LANES);
    const slices = Math.ceil(PARTS / groups);
    const { starts, runs } = this.#forwardRuns;
    this.#move('toLanes', this.#input, input, [channels, pixels], batch, inputStrides);
    this.#run(
      'packWeights',
      padded(maps) / 4,
      this.#packed,
      weights,
      maps,
      taps,
      channels,
      channels * taps,
      1,
      taps,
    );
    this.#run(
      'convolve',
      groups * slices,
      ...[this.#output, this.#input, this.#packed, biases ?? 0, starts, runs],
      ...[positions, maps, pixels * channels, taps * channels, slices],
    );
    this.#move('fromLanes', this.#output, output, [maps, positions], batch, outputStrides);
  }

  /**
   * Adds to the gradients of weights and biases, from the gradient by the last output; `inputGradients` are set, or added to with `add`.
   *
   * @param filters the weights of the last {@link forward}.
   */
  backward(
    gradient: Float32Array,
    outputStrides: PictureStrides,
    { weights }: Filters,
    slopes: Filters | undefined,
    inputGradients: Float32Array | undefined,
    inputStrides: PictureStrides,
    batch: number,
    add = false,
  ): void {
    const { channels, maps, pixels, positions, taps } = this.#geometry;
    const groups = Math.ceil(batch / LANES);
    this.#move('toLanes', this.#output, gradient, [maps, positions], batch, outputStrides);
    if (slopes !== undefined) {
      this.#run(
        'slopes',
        Math.ceil(padded(maps) / SLOPE_MAPS),
        ...[this.#output, this.#input, this.#sums, this.#pairs.pairs, this.#pairs.starts],
        ...[groups, maps, channels, taps, this.#chunks, positions, pixels, SLOPE_MAPS],
        ...[slopes.weights, slopes.biases ?? 0],
      );
    }
    if (inputGradients === undefined || this.#backwardRuns === null) return;
    const { starts, runs } = this.#backwardRuns;
    const slices = Math.ceil(PARTS / groups);
    this.#run(
      'packWeights',
      padded(channels) / 4,
      this.#packed,
      weights,
      channels,
      taps,
      maps,
      taps,
      1,
      channels * taps,
    );
    // The input's lanes are no longer needed: its gradients take their place.
    this.#run(
      'convolve',
      groups * slices,
      ...[this.#input, this.#output, this.#packed, 0, starts, runs],
      ...[pixels, channels, positions * maps, taps * maps, slices],
    );
    this.#move('fromLanes', this.#input, inputGradients, [channels, pixels], batch, inputStrides, add);
  }
}

/** The next multiple of 4. */
function padded(rows: number): number {
  return Math.ceil(rows / 4) * 4;
}
