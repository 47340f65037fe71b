import type { Affine } from '../linear/affine.ts';

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
 * Sums over adjacent windows of `size` × `size` values, a power of two: mean pooling up to a factor. Rotations and additions only, so it
 * takes no level.
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

/**
 * Any polynomial network: linear maps and products of values. Register 0 is the picture, register i > 0 the result of step i − 1; the
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

/** Registers made by linear steps, in order, without the logits: those whose ranges are calibrated. */
export function scaledRegisters(network: StepNetwork): number[] {
  return network.steps.slice(0, -1).flatMap((step, i) => (step.kind === 'linear' ? [i + 1] : []));
}
