import type { Step, StepNetwork } from '../compiler/lowering/steps.ts';
import { fitScales } from './fit-scales.ts';
import { matchRows } from './match-rows.ts';
import { type RegisterMatch, reorderColumns, type StepRows, stepRows } from './step-rows.ts';

/** Whether two steps do the same with the same registers. */
function sameKind(a: Step, b: Step): boolean {
  if (a.kind === 'linear' && b.kind === 'linear')
    return (
      a.terms.length === b.terms.length && a.terms.every(({ source }, i) => source === b.terms[i]!.source)
    );
  if (a.kind === 'product' && b.kind === 'product') return a.left === b.left && a.right === b.right;
  return false;
}

/** Whether two networks do the same steps, with whatever weights and numbers of values in between. */
export function sameSteps(a: StepNetwork, b: StepNetwork): boolean {
  return (
    a.pictureShape.join() === b.pictureShape.join() &&
    a.steps.length === b.steps.length &&
    a.steps.every((step, i) => sameKind(step, b.steps[i]!))
  );
}

/** The other network's entry for each entry of the original, 0 where there is none. */
function valuesInPlace(original: StepRows, other: StepRows, of: Int32Array): Float64Array {
  const values = new Float64Array(original.value.length);
  const place = new Float64Array(original.columns);
  for (let r = 0; r < original.rows; r++) {
    const row = of[r]!;
    if (row < 0) continue;
    for (let e = other.start[row]!; e < other.start[row + 1]!; e++) place[other.column[e]!] = other.value[e]!;
    for (let e = original.start[r]!; e < original.start[r + 1]!; e++) values[e] = place[original.column[e]!]!;
    for (let e = other.start[row]!; e < other.start[row + 1]!; e++) place[other.column[e]!] = 0;
  }
  return values;
}

/** Registers side by side, as the terms of a step read them. */
function joinMatches(matches: readonly RegisterMatch[], sizes: readonly number[]): RegisterMatch {
  let first = 0;
  const of: number[] = [];
  matches.forEach((match, i) => {
    for (const to of match.of) of.push(to < 0 ? -1 : first + to);
    first += sizes[i]!;
  });
  return { of: Int32Array.from(of), scale: Float64Array.from(matches.flatMap(({ scale }) => [...scale])) };
}

/**
 * Differences of another network's weights from the original's, once it is brought to the original's order and scale: values between layers may
 * be permuted, multiplied by anything (their signs, too), left out or added.
 *
 * @param other of {@link sameSteps}.
 * @returns by step and term, for each entry; NaN where the other network has none, or a zero.
 */
export function alignSteps(original: StepNetwork, other: StepNetwork): Float64Array[][] {
  const pixels = original.pictureShape.reduce((a, b) => a * b, 1);
  const matches: RegisterMatch[] = [
    { of: Int32Array.from({ length: pixels }, (_, i) => i), scale: new Float64Array(pixels).fill(1) },
  ];
  return original.steps.map((step, i) => {
    const same = other.steps[i]!;
    if (step.kind === 'product') {
      const [left, right] = [matches[step.left]!, matches[step.right]!];
      matches.push({ of: left.of, scale: left.scale.map((scale, v) => scale * right.scale[v]!) });
      return [];
    }
    if (step.kind !== 'linear' || same.kind !== 'linear') throw new Error(`step ${i} is no linear map`);
    const rows = stepRows(step);
    const sources = step.terms.map(({ source }) => matches[source]!);
    const sizes = same.terms.map(({ affine }) => affine.columns);
    const others = reorderColumns(stepRows(same), joinMatches(sources, sizes));
    const of = matchRows(rows, others);
    const freeColumns = Uint8Array.from(
      step.terms.flatMap(({ source, affine }) =>
        new Array<number>(affine.columns).fill(source === 0 ? 0 : 1),
      ),
    );
    const { differences, rowFactors } = fitScales(rows, valuesInPlace(rows, others, of), freeColumns);
    matches.push({ of, scale: rowFactors });
    const terms = step.terms.map(({ affine }) => new Float64Array(affine.weight.length));
    differences.forEach((difference, e) => {
      terms[rows.term[e]!]![rows.entry[e]!] = difference;
    });
    return terms;
  });
}
