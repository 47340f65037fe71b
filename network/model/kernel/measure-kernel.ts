// Products a nanosecond of the convolutions of network/zoo/cifar10, forward and backward: `node network/model/kernel/measure-kernel.ts [THREADS]`.
import { LaneConvolution } from './lane-convolution.ts';
import { Workspace } from './workspace.ts';

const BATCH = 64;
const REPEATS = 7;
/** Channels and side of the input, maps, kernel, stride; padding 1. */
const SHAPES: readonly (readonly [number, number, number, number, number])[] = [
  [3, 32, 32, 4, 2],
  [32, 16, 64, 3, 1],
  [64, 16, 64, 3, 2],
  [64, 8, 128, 3, 1],
  [128, 8, 128, 3, 2],
];

const threads = Number(process.argv[2] ?? 1);
for (const [channels, side, maps, kernel, stride] of SHAPES) {
  const out = Math.floor((side + 2 - kernel) / stride) + 1;
  const [pixels, positions, taps] = [side ** 2, out ** 2, kernel ** 2];
  const index = Int32Array.from({ length: taps * positions }, (_, i) => {
    const [tap, p] = [Math.floor(i / positions), i % positions];
    const y = Math.floor(p / out) * stride + Math.floor(tap / kernel) - 1;
    const x = (p % out) * stride + (tap % kernel) - 1;
    return y < 0 || y >= side || x < 0 || x >= side ? -1 : y * side + x;
  });
  const workspace = await Workspace.create(2 ** 29);
  workspace.useThreads(threads);
  const geometry = { channels, maps, pixels, positions, taps, index };
  const convolution = new LaneConvolution(workspace, geometry, BATCH, { weights: true, input: true });
  const filters = () => ({
    weights: workspace.allocate(maps * channels * taps).fill(0.01),
    biases: workspace.allocate(maps),
  });
  const [own, slopes] = [filters(), filters()];
  const values = (size: number): Float32Array => workspace.allocate(BATCH * size).fill(0.5);
  const [input, gradient] = [values(channels * pixels), values(maps * positions)];
  const [output, back] = [values(maps * positions), values(channels * pixels)];
  const strides = (size: number) => ({ picture: size, channel: BATCH * size });
  const [inner, outer] = [strides(pixels), strides(positions)];
  // Products with padding are not computed, and not counted.
  const products = BATCH * maps * channels * index.filter((pixel) => pixel >= 0).length;
  const best = (run: () => void): number => {
    const times = Array.from({ length: REPEATS }, () => {
      const begin = performance.now();
      run();
      return performance.now() - begin;
    });
    return products / Math.min(...times) / 1e6;
  };
  const forward = best(() => convolution.forward(input, inner, own, output, outer, BATCH));
  const bySlopes = best(() => convolution.backward(gradient, outer, own, slopes, undefined, inner, BATCH));
  const both = best(() => convolution.backward(gradient, outer, own, slopes, back, inner, BATCH));
  const text = [forward, bySlopes, 2 * both].map((rate) => rate.toFixed(1).padStart(5)).join(' ');
  process.stdout.write(`${channels}×${side}×${side} → ${maps}×${out}×${out}: ${text}\n`);
  await workspace.close();
}
process.stdout.write('forward, backward by weights, backward by weights and input\n');
