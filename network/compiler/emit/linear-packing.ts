import { type Affine, widestRow } from '../linear/affine.ts';
import { foldSteps, type Layout, powerOfTwo } from '../packing/layout.ts';
import type { Emitter, WeightedWire, Wire } from './emitter.ts';

/** A value and where its parts stand. */
export type Packed = { readonly wire: Wire; readonly layout: Layout };

/** A way to evaluate one linear stage: what it yields, and how it is written. */
export type LinearPlan = {
  readonly name: 'patches' | 'blocks' | 'spread';
  readonly layout: Layout;
  /** Rotations and products, for the report and for choosing. */
  readonly rotations: number;
  readonly products: number;
  /** @param target scale of the result. */
  readonly write: (emitter: Emitter, input: Wire | null, target: number) => Packed;
};

/** Folds, rescales and adds the bias. */
function finish(emitter: Emitter, sum: Wire, steps: readonly number[], bias: Float64Array): Wire {
  return emitter.addConstant(emitter.foldAndRescale(sum, steps), bias);
}

/**
 * The first stage: patches are laid out before encryption, so it needs no rotation. Outputs are padded to a period P; with
 * B = slots / P blocks, tap t of an output stands in block t mod B of ciphertext ⌊t / B⌋. Folding over the blocks sums the
 * taps and leaves the result in every block.
 */
export function planPatches(stage: Affine, slots: number): LinearPlan | null {
  const period = powerOfTwo(stage.rows);
  if (period > slots) return null;
  const blocks = slots / period;
  const ciphertexts = Math.ceil(widestRow(stage) / blocks);
  const steps = foldSteps(period, slots);
  const layout: Layout = { kind: 'periodic', size: stage.rows, period };
  return {
    name: 'patches',
    layout,
    rotations: steps.length,
    products: ciphertexts,
    write(emitter, _input, target) {
      const terms: WeightedWire[] = [];
      for (let c = 0; c < ciphertexts; c++) {
        const picture = new Int32Array(slots).fill(-1);
        const weights = new Float64Array(slots);
        for (let block = 0; block < blocks; block++) {
          for (let row = 0; row < stage.rows; row++) {
            const entry = stage.start[row]! + c * blocks + block;
            if (entry >= stage.start[row + 1]!) continue;
            picture[block * period + row] = stage.column[entry]!;
            weights[block * period + row] = stage.weight[entry]!;
          }
        }
        terms.push({ wire: emitter.encrypt(picture, INPUT_SCALE), step: 0, weights });
      }
      const bias = Float64Array.from({ length: slots }, (_, slot) => stage.bias[slot % period] ?? 0);
      return { wire: finish(emitter, emitter.weightedSum(terms, target), steps, bias), layout };
    },
  };
}

/**
 * Scale of the encrypted picture. Public-key encryption leaves an error of about 2^15 in a slot at N = 8192, so the
 * picture gets more than the 30 bits of a prime and the first weights, which are encrypted with less noise, get fewer.
 */
const INPUT_SCALE = 2 ** 33;

/**
 * Periodic → strided. With M = outputs per block, each block of P slots is cut into M segments of S = P / M. Rotating the input by
 * c · S for c = 0 … M − 1 brings every input value once into each segment; folding over the low log2(S) bits sums it.
 * Output o (block ⌊o / M⌋, segment o mod M) is right at slot o · S; other slots hold sums that cross segments.
 */
export function planBlocks(stage: Affine, input: Layout, slots: number): LinearPlan | null {
  if (input.kind !== 'periodic') return null;
  const { period } = input;
  const blocks = slots / period;
  const perBlock = powerOfTwo(Math.ceil(stage.rows / blocks));
  if (perBlock > period) return null;
  const stride = period / perBlock;
  const steps = foldSteps(1, stride);
  const layout: Layout = { kind: 'strided', size: stage.rows, stride };
  return {
    name: 'blocks',
    layout,
    rotations: perBlock - 1 + steps.length,
    products: perBlock,
    write(emitter, wire, target) {
      // weights[c][slot] multiplies the input value that rotation by c · stride brings to the slot.
      const weights = Array.from({ length: perBlock }, () => new Float64Array(slots));
      for (let row = 0; row < stage.rows; row++) {
        const block = Math.floor(row / perBlock) * period;
        const segment = (row % perBlock) * stride;
        for (let e = stage.start[row]!; e < stage.start[row + 1]!; e++) {
          const ahead = (stage.column[e]! - segment + period) % period;
          weights[Math.floor(ahead / stride)]![block + segment + (ahead % stride)] = stage.weight[e]!;
        }
      }
      const terms = weights.map((one, c) => ({ wire: wire!, step: c * stride, weights: one }));
      const bias = new Float64Array(slots);
      stage.bias.forEach((value, row) => {
        bias[row * stride] = value;
      });
      return { wire: finish(emitter, emitter.weightedSum(terms, target), steps, bias), layout };
    },
  };
}

/**
 * Strided → periodic. Rotating by −k puts every input value beside itself for output k; weights are zero everywhere else, which
 * masks whatever folding left there. Folding over the bits from the stride up sums over all inputs and repeats the result
 * in every period; slots that belong to no output become zero.
 */
export function planSpread(stage: Affine, input: Layout, slots: number): LinearPlan | null {
  if (input.kind !== 'strided' || stage.rows > input.stride) return null;
  const { stride } = input;
  const steps = foldSteps(stride, slots);
  const layout: Layout = { kind: 'periodic', size: stage.rows, period: stride };
  return {
    name: 'spread',
    layout,
    rotations: stage.rows - 1 + steps.length,
    products: stage.rows,
    write(emitter, wire, target) {
      const terms = Array.from({ length: stage.rows }, (_, row) => {
        const weights = new Float64Array(slots);
        for (let e = stage.start[row]!; e < stage.start[row + 1]!; e++) {
          weights[stage.column[e]! * stride + row] = stage.weight[e]!;
        }
        return { wire: wire!, step: (slots - row) % slots, weights };
      });
      const bias = Float64Array.from({ length: slots }, (_, slot) => stage.bias[slot % stride] ?? 0);
      return { wire: finish(emitter, emitter.weightedSum(terms, target), steps, bias), layout };
    },
  };
}
