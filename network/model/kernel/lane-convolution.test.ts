import type { Worker } from 'node:worker_threads';
import { describe, expect, it, vi } from 'vitest';
import { SeededRandom } from '../random.ts';
import { LaneConvolution, type LaneGeometry } from './lane-convolution.ts';
import { Workspace } from './workspace.ts';

/** Any windows: each position looks at random pixels, and now and then at padding. */
function geometryOf(random: SeededRandom, channels: number, maps: number, positions: number): LaneGeometry {
  const [pixels, taps] = [7, 3];
  const index = Int32Array.from({ length: taps * positions }, () => random.below(pixels + 1) - 1);
  return { channels, maps, pixels, positions, taps, index };
}

type Size = [channels: number, maps: number, positions: number, batch: number];

const SIZES: Size[] = [
  [1, 1, 1, 1],
  [3, 5, 4, 7],
  [4, 4, 9, 8],
  [2, 6, 70, 9],
  [5, 17, 5, 19],
];

async function convolved(threads: number, [channels, maps, positions, batch]: Size) {
  const random = new SeededRandom(channels + 10 * maps);
  const geometry = geometryOf(random, channels, maps, positions);
  const { pixels, taps } = geometry;
  const workspace = await Workspace.create(2 ** 21);
  workspace.useThreads(threads);
  const drawn = (size: number): Float32Array => {
    const array = workspace.allocate(size);
    for (let i = 0; i < size; i++) array[i] = random.normal();
    return array;
  };
  const convolution = new LaneConvolution(workspace, geometry, batch + 3, { weights: true, input: true });
  const [input, gradient] = [drawn(batch * channels * pixels), drawn(batch * maps * positions)];
  const filters = { weights: drawn(maps * channels * taps), biases: drawn(maps) };
  const slopes = { weights: drawn(maps * channels * taps), biases: drawn(maps) };
  const inputGradients = drawn(batch * channels * pixels);
  const before = { ...slopes, input: inputGradients };
  const kept = Object.values(before).map((array) => array.slice());
  const output = workspace.allocate(batch * maps * positions);
  // Pictures one after the other before, channels one after the other behind.
  const inner = { picture: channels * pixels, channel: pixels };
  const outer = { picture: positions, channel: batch * positions };
  convolution.forward(input, inner, filters, output, outer, batch);
  convolution.backward(gradient, outer, filters, slopes, inputGradients, inner, batch, true);
  await workspace.close();
  const added = [slopes.weights, slopes.biases, inputGradients].map((array, k) =>
    array.map((value, i) => value - kept[k]![i]!),
  );
  return { geometry, batch, input, gradient, filters, output, added };
}

it('starts helpers again that had nothing to do for long', async () => {
  const size = SIZES[4]!;
  const ended: Worker[] = [];
  const watch = (worker: Worker): void => void worker.on('exit', () => ended.push(worker));
  process.on('worker', watch);
  const workspace = await Workspace.create(2 ** 21);
  try {
    workspace.useThreads(2);
    const { channels, maps, ...geometry } = geometryOf(new SeededRandom(1), size[0], size[1], size[2]);
    const convolution = new LaneConvolution(workspace, { ...geometry, channels, maps }, 9, {
      weights: false,
      input: false,
    });
    const [input, output] = [9 * channels * geometry.pixels, 9 * maps * geometry.positions].map((n) =>
      workspace.allocate(n).fill(1),
    );
    const weights = workspace.allocate(maps * channels * geometry.taps).fill(1);
    const strides = [geometry.pixels, geometry.positions].map((pixels) => ({
      picture: pixels,
      channel: 9 * pixels,
    }));
    const run = (): number[] => {
      convolution.forward(input!, strides[0]!, { weights, biases: undefined }, output!, strides[1]!, 9);
      return [...output!];
    };
    const first = run();
    await vi.waitFor(() => expect(ended).toHaveLength(1), 60_000);
    expect(run()).toEqual(first);
  } finally {
    process.off('worker', watch);
    await workspace.close();
  }
});

describe('LaneConvolution', () => {
  it.each(SIZES)(
    'computes %i channels, %i maps, %i positions of %i pictures, and gradients',
    async (...size) => {
      const { geometry, batch, input, gradient, filters, output, added } = await convolved(2, size);
      const { channels, maps, pixels, positions, taps, index } = geometry;
      const wanted = new Float64Array(output.length);
      const slopes = [
        new Float64Array(maps * channels * taps),
        new Float64Array(maps),
        new Float64Array(input.length),
      ];
      for (let n = 0; n < batch; n++) {
        for (let m = 0; m < maps; m++) {
          for (let p = 0; p < positions; p++) {
            const to = (m * batch + n) * positions + p;
            wanted[to]! += filters.biases[m]!;
            slopes[1]![m]! += gradient[to]!;
            for (let c = 0; c < channels; c++) {
              for (let t = 0; t < taps; t++) {
                const pixel = index[t * positions + p]!;
                if (pixel < 0) continue;
                const [from, weight] = [(n * channels + c) * pixels + pixel, (m * channels + c) * taps + t];
                wanted[to]! += input[from]! * filters.weights[weight]!;
                slopes[0]![weight]! += input[from]! * gradient[to]!;
                slopes[2]![from]! += filters.weights[weight]! * gradient[to]!;
              }
            }
          }
        }
      }
      [wanted, ...slopes].forEach((exact, k) => {
        const actual = [output, ...added][k]!;
        const worst = exact.reduce((most, value, i) => Math.max(most, Math.abs(value - actual[i]!)), 0);
        expect(worst).toBeLessThan(2e-4);
      });
    },
  );

  it('computes the same, bit for bit, whatever the number of threads', async () => {
    const [alone, ...others] = await Promise.all([1, 2, 3].map((threads) => convolved(threads, SIZES[4]!)));
    for (const { output, added } of others) {
      expect(output).toEqual(alone!.output);
      expect(added).toEqual(alone!.added);
    }
  });
});
