// Products a nanosecond of processor time, and of time, of the convolutions of network/zoo/cifar10, forward and backward: `node network/model/kernel/measure-kernel.ts [THREADS]`.
import { LaneConvolution } from './lane-convolution.ts';
import { Workspace } from './workspace.ts';

const BATCH = 64;
const REPEATS = 15;
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
  /** The median by processor time, which other work on the machine hardly touches, and the best by time. */
  const rates = (run: () => void, passes: number): string => {
    const runs = Array.from({ length: REPEATS }, () => {
      const [begin, used] = [performance.now(), process.cpuUsage()];
      run();
      const { user, system } = process.cpuUsage(used);
      return { time: performance.now() - begin, processor: (user + system) / 1000 };
    });
    const sorted = runs.map(({ processor }) => processor).sort((a, b) => a - b);
    const middle = sorted[Math.floor(REPEATS / 2)]!;
    const best = Math.min(...runs.map(({ time }) => time));
    return [middle, best].map((ms) => ((passes * products) / ms / 1e6).toFixed(1).padStart(5)).join(' ');
  };
  const text = [
    rates(() => convolution.forward(input, inner, own, output, outer, BATCH), 1),
    rates(() => convolution.backward(gradient, outer, own, slopes, undefined, inner, BATCH), 1),
    rates(() => convolution.backward(gradient, outer, own, slopes, back, inner, BATCH), 2),
  ].join(' | ');
  process.stdout.write(`${channels}×${side}×${side} → ${maps}×${out}×${out}: ${text}\n`);
  await workspace.close();
}
process.stdout.write(
  'forward | backward by weights | backward by weights and input; by processor time and by time\n',
);
