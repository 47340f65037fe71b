import type { Affine } from '../packing/affine.ts';
import type { LinearStep, Step, StepNetwork } from '../packing/general/steps.ts';

/** How far the coefficients of one value may differ from layer to layer, as a share of the largest: rounding only. */
const ROUNDING = 1e-9;
/** A shift so much larger than what is typical for its layer would cost the others their precision. */
const MOST_SHIFT = 64;

/** Everything that is made of a value and of its square: the linear steps that read either. */
type Quadratic = { readonly value: number; readonly square: number; readonly readers: readonly number[] };

/** Steps that read a register. */
function readersOf(steps: readonly Step[], register: number): number[] {
  return steps.flatMap((step, i) => {
    const sources =
      step.kind === 'linear'
        ? step.terms.map(({ source }) => source)
        : step.kind === 'product'
          ? [step.left, step.right]
          : [step.source];
    return sources.includes(register) ? [i] : [];
  });
}

/** Values that are squared, and otherwise go only where their square goes. */
function findQuadratics({ steps }: StepNetwork): Quadratic[] {
  return steps.flatMap((step, i) => {
    if (step.kind !== 'product' || step.left !== step.right) return [];
    const value = step.left;
    if (steps[value - 1]?.kind !== 'linear') return [];
    const square = i + 1;
    const readers = readersOf(steps, square);
    const linear = readersOf(steps, value).filter((reader) => reader !== i);
    const together =
      linear.length > 0 &&
      linear.every((reader) => readers.includes(reader)) &&
      readers.every((reader) => steps[reader]!.kind === 'linear');
    return together ? [{ value, square, readers }] : [];
  });
}

function termOf({ terms }: LinearStep, register: number): Affine | undefined {
  return terms.find(({ source }) => source === register)?.affine;
}

/** Calls back for each entry of either map: its column, and its weight in both. */
function forEachEntry(
  a: Affine,
  b: Affine | undefined,
  visit: (column: number, a: number, b: number) => void,
): void {
  for (let row = 0; row < a.rows; row++) {
    const second = new Map<number, number>();
    if (b) for (let e = b.start[row]!; e < b.start[row + 1]!; e++) second.set(b.column[e]!, b.weight[e]!);
    for (let e = a.start[row]!; e < a.start[row + 1]!; e++) {
      const column = a.column[e]!;
      visit(column, a.weight[e]!, second.get(column) ?? 0);
      second.delete(column);
    }
    for (const [column, weight] of second) visit(column, 0, weight);
  }
}

/** The b/a of every value of a·x² + b·x, where it is the same wherever the two are read; else null. */
function commonRatio(steps: readonly Step[], { value, square, readers }: Quadratic): Float64Array | null {
  const pairs = readers.map((reader) => {
    const step = steps[reader] as LinearStep;
    return { squares: termOf(step, square)!, values: termOf(step, value) };
  });
  const size = pairs[0]!.squares.columns;
  const largest = new Float64Array(size);
  const linear = new Float64Array(size);
  const ratio = new Float64Array(size);
  for (const { squares, values } of pairs) {
    forEachEntry(squares, values, (column, a, b) => {
      linear[column] = Math.max(linear[column]!, Math.abs(b));
      if (Math.abs(a) <= largest[column]!) return;
      largest[column] = Math.abs(a);
      ratio[column] = b / a;
    });
  }
  let same = true;
  for (const { squares, values } of pairs) {
    forEachEntry(squares, values, (column, a, b) => {
      if (Math.abs(b - ratio[column]! * a) > ROUNDING * linear[column]!) same = false;
    });
  }
  const sizes = Float64Array.from(ratio, Math.abs).sort();
  const typical = sizes[Math.floor(size / 2)]!;
  return same && sizes.at(-1)! <= MOST_SHIFT * typical ? ratio : null;
}

/** A reader without its term of the value: W·(x + r/2)² − W·r²/4 is W·(x² + r·x). */
function withoutValue(step: LinearStep, { value, square }: Quadratic, ratio: Float64Array): LinearStep {
  const { start, column, weight } = termOf(step, square)!;
  const bias = step.bias.map((summand, row) => {
    let sum = summand;
    for (let e = start[row]!; e < start[row + 1]!; e++) sum -= (weight[e]! * ratio[column[e]!]! ** 2) / 4;
    return sum;
  });
  return { ...step, terms: step.terms.filter(({ source }) => source !== value), bias };
}

/**
 * Completes the square wherever layers read a·x² + b·x, as trained quadratic activations are written: x is shifted by b/2a, which
 * its own layer's bias takes in, and only the square goes on. The coefficients end up in encrypted weights, and the next layer multiplies one
 * ciphertext instead of two: CryptoNets' shape takes 52 encrypted constants instead of 94. Exact.
 *
 * Left as it is where x goes elsewhere too (a shortcut), where a vanishes, or where some shift is far larger than is typical for the layer, because a
 * square of large numbers would drown the others in noise.
 */
export function absorbQuadratics(network: StepNetwork): StepNetwork {
  let { steps } = network;
  for (const quadratic of findQuadratics(network)) {
    const ratio = commonRatio(steps, quadratic);
    if (ratio === null) continue;
    steps = steps.map((step, i): Step => {
      if (step.kind !== 'linear') return step;
      if (i === quadratic.value - 1)
        return { ...step, bias: step.bias.map((summand, j) => summand + ratio[j]! / 2) };
      return quadratic.readers.includes(i) ? withoutValue(step, quadratic, ratio) : step;
    });
  }
  return { ...network, steps };
}
