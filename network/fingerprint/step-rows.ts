import type { LinearStep } from '../compiler/lowering/steps.ts';

/** A register of one network in another one's order: `of[i]` is where value i stands there (−1: nowhere), `scale[i]` how much larger it is. */
export type RegisterMatch = { readonly of: Int32Array; readonly scale: Float64Array };

/** A linear step as one sparse matrix; columns of all its terms stand side by side. */
export type StepRows = {
  readonly rows: number;
  readonly columns: number;
  /** Entries of row r: `start[r]` to `start[r + 1]`. */
  readonly start: Int32Array;
  readonly column: Int32Array;
  readonly value: Float64Array;
  /** Term and entry of it that each entry comes from. */
  readonly term: Uint8Array;
  readonly entry: Int32Array;
};

/** Joins the terms of a step. */
export function stepRows({ terms, bias }: LinearStep): StepRows {
  const count = terms.reduce((sum, { affine }) => sum + affine.weight.length, 0);
  const start = new Int32Array(bias.length + 1);
  const [column, entry] = [new Int32Array(count), new Int32Array(count)];
  const value = new Float64Array(count);
  const term = new Uint8Array(count);
  let at = 0;
  for (let row = 0; row < bias.length; row++) {
    let first = 0;
    for (const [t, { affine }] of terms.entries()) {
      for (let e = affine.start[row]!; e < affine.start[row + 1]!; e++, at++) {
        column[at] = first + affine.column[e]!;
        value[at] = affine.weight[e]!;
        term[at] = t;
        entry[at] = e;
      }
      first += affine.columns;
    }
    start[row + 1] = at;
  }
  const columns = terms.reduce((sum, { affine }) => sum + affine.columns, 0);
  return { rows: bias.length, columns, start, column, value, term, entry };
}

/** The same rows with columns as `match` orders and scales them; entries of columns that nothing matches, and zeros, are left out. */
export function reorderColumns(rows: StepRows, match: RegisterMatch): StepRows {
  const back = new Int32Array(rows.columns).fill(-1);
  match.of.forEach((to, i) => {
    if (to >= 0) back[to] = i;
  });
  const start = new Int32Array(rows.rows + 1);
  const kept: number[] = [];
  for (let row = 0; row < rows.rows; row++) {
    for (let e = rows.start[row]!; e < rows.start[row + 1]!; e++) {
      if (rows.value[e] !== 0 && back[rows.column[e]!]! >= 0) kept.push(e);
    }
    start[row + 1] = kept.length;
  }
  const column = Int32Array.from(kept, (e) => back[rows.column[e]!]!);
  return {
    rows: rows.rows,
    columns: match.of.length,
    start,
    column,
    value: Float64Array.from(kept, (e, i) => rows.value[e]! * match.scale[column[i]!]!),
    term: Uint8Array.from(kept, (e) => rows.term[e]!),
    entry: Int32Array.from(kept, (e) => rows.entry[e]!),
  };
}
