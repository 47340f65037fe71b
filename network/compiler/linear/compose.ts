import { type Affine, applyAffine } from './affine.ts';
import { addAffine, composeAffine } from './merge-linear-neighbors.ts';

/** A value during lowering: Σ partᵢ(register i) + constant; a null part is the identity. */
export type LinearValue = {
  readonly parts: ReadonlyMap<number, Affine | null>;
  /** Null: zero. */
  readonly constant: Float64Array | null;
  readonly shape: readonly number[];
};

/** The identity on `size` values. */
export function identityAffine(size: number): Affine {
  return {
    rows: size,
    columns: size,
    start: Int32Array.from({ length: size + 1 }, (_, i) => i),
    column: Int32Array.from({ length: size }, (_, i) => i),
    weight: new Float64Array(size).fill(1),
    bias: new Float64Array(size),
  };
}

function withoutBias(affine: Affine): Affine {
  return affine.bias.some((value) => value !== 0)
    ? { ...affine, bias: new Float64Array(affine.rows) }
    : affine;
}

/** outer · inner where every row of `outer` has at most one entry (scaling, moving): rows of `inner`, scaled. */
function selectRows(outer: Affine, inner: Affine): Affine {
  const start = new Int32Array(outer.rows + 1);
  for (let row = 0; row < outer.rows; row++) {
    const e = outer.start[row]!;
    const source = e < outer.start[row + 1]! ? outer.column[e]! : -1;
    start[row + 1] = start[row]! + (source < 0 ? 0 : inner.start[source + 1]! - inner.start[source]!);
  }
  const column = new Int32Array(start[outer.rows]!);
  const weight = new Float64Array(column.length);
  for (let row = 0; row < outer.rows; row++) {
    const e = outer.start[row]!;
    if (e === outer.start[row + 1]!) continue;
    const from = inner.start[outer.column[e]!]!;
    for (let to = start[row]!, i = from; to < start[row + 1]!; to++, i++) {
      column[to] = inner.column[i]!;
      weight[to] = outer.weight[e]! * inner.weight[i]!;
    }
  }
  return {
    rows: outer.rows,
    columns: inner.columns,
    start,
    column,
    weight,
    bias: new Float64Array(outer.rows),
  };
}

function isIdentity(affine: Affine): boolean {
  return (
    affine.rows === affine.columns &&
    affine.column.length === affine.rows &&
    affine.start.every((at, row) => at === row) &&
    affine.column.every((column, row) => column === row) &&
    affine.weight.every((weight) => weight === 1)
  );
}

function compose(outer: Affine, inner: Affine | null): Affine | null {
  if (inner === null) return isIdentity(outer) ? null : outer;
  let single = true;
  for (let row = 0; row < outer.rows && single; row++)
    single = outer.start[row + 1]! - outer.start[row]! <= 1;
  return single ? selectRows(outer, inner) : composeAffine(outer, inner);
}

/** affine(value). */
export function applyToValue(affine: Affine, value: LinearValue, shape: readonly number[]): LinearValue {
  const outer = withoutBias(affine);
  const parts = new Map([...value.parts].map(([source, part]) => [source, compose(outer, part)]));
  const constant = value.constant === null ? affine.bias : applyAffine(affine, value.constant);
  return { parts, constant: constant.some((v) => v !== 0) ? constant : null, shape };
}

/** left + factor · right. Shapes must be equal. */
export function addValues(left: LinearValue, right: LinearValue, factor: 1 | -1, size: number): LinearValue {
  const parts = new Map(left.parts);
  for (const [source, part] of right.parts) {
    const explicit = part ?? identityAffine(size);
    const signed =
      factor === 1 ? explicit : { ...explicit, weight: explicit.weight.map((weight) => -weight) };
    const present = parts.get(source);
    parts.set(
      source,
      present === undefined
        ? factor === 1
          ? part
          : signed
        : addAffine(present ?? identityAffine(size), signed),
    );
  }
  const zero = new Float64Array(size);
  const constant =
    left.constant === null && right.constant === null
      ? null
      : (left.constant ?? zero).map((value, i) => value + factor * (right.constant ?? zero)[i]!);
  return { parts, constant, shape: left.shape };
}
