import { type Affine, scaleAffine } from '../linear/affine.ts';

/** Part of a linear step: W times the values of register `source`. The bias of `affine` is zero. */
export type LinearTerm = { readonly source: number; readonly affine: Affine };

/** y = Σ Wᵢ·xᵢ + b. */
export type LinearStep = {
  readonly kind: 'linear';
  readonly terms: readonly LinearTerm[];
  readonly bias: Float64Array;
  /** Without the batch dimension; layouts follow it. */
  readonly shape: readonly number[];
};

/** y = left · right, value by value; a square where both are one register. */
export type ProductStep = { readonly kind: 'product'; readonly left: number; readonly right: number };

/**
 * Sums over windows of `size` × `size` neighbors, a power of two, side by side: what mean pooling is but for a factor. Rotations and
 * additions only, so it takes no level.
 */
export type PoolStep = {
  readonly kind: 'pool';
  readonly source: number;
  /** Channels, height and width of the source. */
  readonly shape: readonly [number, number, number];
  readonly size: number;
};

export type Step = LinearStep | ProductStep | PoolStep;

/** For every value of a pooled tensor, in order, the index in the source of its window's first value. */
export function windowStarts({ shape, size }: PoolStep): Int32Array {
  const [channels, height, width] = shape;
  const starts: number[] = [];
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y + size <= height; y += size)
      for (let x = 0; x + size <= width; x += size) starts.push((c * height + y) * width + x);
  }
  return Int32Array.from(starts);
}

function sumWindows(step: PoolStep, x: Float64Array): Float64Array {
  return Float64Array.from(windowStarts(step), (first) => {
    let sum = 0;
    for (let dy = 0; dy < step.size; dy++)
      for (let dx = 0; dx < step.size; dx++) sum += x[first + dy * step.shape[2] + dx]!;
    return sum;
  });
}

/**
 * Any polynomial network: linear maps and products of values. Register 0 is the picture, register i > 0 what step i − 1 makes; the
 * last step is linear and makes the logits. A residual block is a linear step that reads two registers.
 */
export type StepNetwork = {
  readonly name: string;
  /** Shape of the picture without the batch dimension. */
  readonly pictureShape: readonly number[];
  readonly steps: readonly Step[];
};

/** Number of values in every register, the picture included. */
export function registerSizes(network: StepNetwork): number[] {
  const sizes = [network.pictureShape.reduce((a, b) => a * b, 1)];
  for (const step of network.steps) {
    if (step.kind === 'linear') sizes.push(step.bias.length);
    else sizes.push(step.kind === 'pool' ? windowStarts(step).length : sizes[step.left]!);
  }
  return sizes;
}

/** Values of all registers in float64, the picture first. */
export function runRegisters(network: StepNetwork, picture: ArrayLike<number>): Float64Array[] {
  const registers: Float64Array[] = [Float64Array.from(picture)];
  for (const step of network.steps) {
    if (step.kind === 'product') {
      const right = registers[step.right]!;
      registers.push(registers[step.left]!.map((value, i) => value * right[i]!));
      continue;
    }
    if (step.kind === 'pool') {
      registers.push(sumWindows(step, registers[step.source]!));
      continue;
    }
    const sum = step.bias.slice();
    for (const { source, affine } of step.terms) {
      const x = registers[source]!;
      const { start, column, weight } = affine;
      for (let row = 0; row < sum.length; row++) {
        let value = 0;
        for (let e = start[row]!; e < start[row + 1]!; e++) value += weight[e]! * x[column[e]!]!;
        sum[row]! += value;
      }
    }
    registers.push(sum);
  }
  return registers;
}

/** The logits of a picture in float64. */
export function runSteps(network: StepNetwork, picture: ArrayLike<number>): Float64Array {
  return runRegisters(network, picture).at(-1)!;
}

/** Registers that linear steps make, in order, without the logits: what ranges are calibrated for. */
export function scaledRegisters(network: StepNetwork): number[] {
  return network.steps.slice(0, -1).flatMap((step, i) => (step.kind === 'linear' ? [i + 1] : []));
}

/**
 * Largest magnitude of every linear step but the last on pictures, and of the logits; in a chain of squares the former is what
 * `calibrateRanges` finds.
 *
 * @param pictures values of all pictures, one after the other.
 */
export function calibrateSteps(
  network: StepNetwork,
  pictures: Float32Array,
): { activations: number[]; logits: number } {
  const size = network.pictureShape.reduce((a, b) => a * b, 1);
  const registers = [...scaledRegisters(network), network.steps.length];
  const largest = registers.map(() => 0);
  for (let at = 0; at + size <= pictures.length; at += size) {
    const values = runRegisters(network, pictures.subarray(at, at + size));
    registers.forEach((register, i) => {
      for (const value of values[register]!) largest[i] = Math.max(largest[i]!, Math.abs(value));
    });
  }
  return { activations: largest.slice(0, -1), logits: largest.at(-1)! };
}

/**
 * Moves factors between steps so that the linear ones (see {@link scaledRegisters}) peak at `peak`: noise is then small against the values.
 * Exact; nothing of it shows in the program, because all weights are encrypted.
 *
 * @param ranges positive, one for each of {@link scaledRegisters}.
 * @param unit the logits come in units of this.
 */
export function balanceSteps(
  network: StepNetwork,
  ranges: readonly number[],
  peak: number,
  unit = 1,
): StepNetwork {
  const factors = [1];
  let next = 0;
  network.steps.forEach((step, i) => {
    if (step.kind === 'product') factors.push(factors[step.left]! * factors[step.right]!);
    else if (step.kind === 'pool') factors.push(factors[step.source]!);
    else factors.push(i === network.steps.length - 1 ? 1 / unit : peak / ranges[next++]!);
  });
  const steps = network.steps.map((step, i): Step => {
    if (step.kind !== 'linear') return step;
    const factor = factors[i + 1]!;
    return {
      ...step,
      terms: step.terms.map(({ source, affine }) => ({
        source,
        affine: scaleAffine(affine, factor, 1 / factors[source]!),
      })),
      bias: step.bias.map((value) => value * factor),
    };
  });
  return { ...network, steps };
}
