import { sizeOfDifference, type TensorDifference } from './compare-weights.ts';
import { keyedNormals } from './keyed-normals.ts';

/** What a network shows of one key's fingerprint. */
export type MarkEvidence = {
  /** Standard normal for every key that the network was not made with. */
  readonly statistic: number;
  /** Share of the fingerprint that is there: 1 in a copy, ½ in the mean of two. */
  readonly share: number;
};

/** Beyond so many typical differences a weight counts no more. */
const CLIP = 3;
/** Median of |x| of a normal x with deviation 1. */
const MEDIAN = 0.6745;
/** Differences smaller than this share of a fingerprint are rounding, and say no more for being smaller. */
const ROUNDING = 0.1;
/** Weights of a tensor at large that count when the spread of a slice of it is judged. */
const PRIOR = 16;

/** A tensor ready for any number of keys: what each weight contributes, and what it would contribute were the fingerprint all there. */
type ReadyTensor = {
  readonly name: string;
  readonly coefficients: Float64Array;
  readonly trust: Float64Array;
};

/**
 * Multiplies `variances` by how much more than others the slices of the tensor along one axis spread: training moves the weights of bright pixels
 * ten times as far as those of dark ones.
 */
function spreadAlong(
  { differences }: TensorDifference,
  stride: number,
  extent: number,
  variances: Float64Array,
): void {
  const [sums, counts] = [new Float64Array(extent), new Float64Array(extent)];
  let [sum, count] = [0, 0];
  differences.forEach((difference, i) => {
    if (!Number.isFinite(difference)) return;
    const [slice, square] = [Math.floor(i / stride) % extent, difference ** 2 / variances[i]!];
    sums[slice]! += square;
    counts[slice]!++;
    sum += square;
    count++;
  });
  const mean = sum / count;
  const slices = sums.map((total, slice) => (total + PRIOR * mean) / (counts[slice]! + PRIOR));
  variances.forEach((variance, i) => {
    variances[i] = Math.max(ROUNDING ** 2, variance * (slices[Math.floor(i / stride) % extent]! || 1));
  });
}

function ready(tensor: TensorDifference): ReadyTensor {
  const { name, shape, differences } = tensor;
  const variances = new Float64Array(differences.length).fill(1);
  let stride = differences.length;
  for (const extent of shape) {
    stride /= extent;
    if (extent > 1) spreadAlong(tensor, stride, extent, variances);
  }
  const standard = differences.map((difference, i) => difference / Math.sqrt(variances[i]!));
  const known = standard.filter(Number.isFinite);
  const limit = (CLIP * known.map(Math.abs).sort()[Math.floor(known.length / 2)]!) / MEDIAN;
  const clipped = standard.map((value) =>
    Number.isFinite(value) ? Math.max(-limit, Math.min(limit, value)) : 0,
  );
  return {
    name,
    coefficients: clipped.map((value, i) => value / Math.sqrt(variances[i]!)),
    trust: clipped.map((value, i) => (value === 0 ? 0 : 1 / variances[i]!)),
  };
}

/** Looks for fingerprints in one network: {@link compareWeights} says how it differs from the original. */
export class MarkFinder {
  readonly #tensors: readonly ReadyTensor[];
  /** Root mean square of the differences, in standard deviations of the weights. */
  readonly difference: number;
  /** Weights that were compared. */
  readonly weights: number;
  /** Whether the network is the original itself, without any fingerprint: it differs by no more than rounding. */
  readonly isOriginal: boolean;

  constructor(differences: readonly TensorDifference[]) {
    this.#tensors = differences.map(ready);
    let [weights, squares, marks] = [0, 0, 0];
    for (const tensor of differences) {
      const known = tensor.differences.filter(Number.isFinite).length;
      const square = known * sizeOfDifference(tensor) ** 2;
      weights += known;
      marks += square;
      squares += square * tensor.amplitude ** 2;
    }
    this.weights = weights;
    this.difference = Math.sqrt(squares / weights);
    this.isOriginal = Math.sqrt(marks / weights) < ROUNDING;
  }

  /**
   * Correlates the differences with the amounts that the key would have added. They are drawn by the key alone: whatever a network
   * that was made without it looks like, the statistic is a sum of independent normal values with fixed coefficients, divided by its
   * deviation.
   */
  find(key: Uint8Array): MarkEvidence {
    let [sum, squares, amounts] = [0, 0, 0];
    for (const { name, coefficients, trust } of this.#tensors) {
      const normals = keyedNormals(key, name, coefficients.length);
      coefficients.forEach((coefficient, i) => {
        sum += coefficient * normals[i]!;
        squares += coefficient * coefficient;
        amounts += trust[i]! * normals[i]! ** 2;
      });
    }
    if (squares === 0) return { statistic: 0, share: 0 };
    return { statistic: sum / Math.sqrt(squares), share: sum / amounts };
  }
}

/**
 * How likely it is that a network made without any of the keys reaches such a statistic with one of them: log10 of a bound. The tail of
 * a normal value beyond z > 0 is at most exp(−z²/2) / 2.
 */
export function falseAlarmExponent(statistic: number, keys: number): number {
  if (statistic <= 0) return 0;
  return Math.min(0, Math.log10(keys / 2) - statistic ** 2 / (2 * Math.LN10));
}
