import type { StepRows } from './step-rows.ts';

/** Cosine from which a row in its own place is taken without a look at the others. */
const SURE = 0.95;
/** Cosine below which two rows have nothing to do with each other. */
const LEAST = 0.2;

/** Entries by column. */
type Columns = { readonly start: Int32Array; readonly row: Int32Array; readonly value: Float64Array };

function byColumn(rows: StepRows): Columns {
  const start = new Int32Array(rows.columns + 1);
  for (const column of rows.column) start[column + 1]!++;
  for (let c = 0; c < rows.columns; c++) start[c + 1]! += start[c]!;
  const next = start.slice();
  const row = new Int32Array(rows.column.length);
  const value = new Float64Array(rows.column.length);
  for (let r = 0; r < rows.rows; r++) {
    for (let e = rows.start[r]!; e < rows.start[r + 1]!; e++) {
      const at = next[rows.column[e]!]!++;
      row[at] = r;
      value[at] = rows.value[e]!;
    }
  }
  return { start, row, value };
}

function normsOf(rows: StepRows): Float64Array {
  return Float64Array.from({ length: rows.rows }, (_, r) => {
    let squares = 0;
    for (let e = rows.start[r]!; e < rows.start[r + 1]!; e++) squares += rows.value[e]! ** 2;
    return Math.sqrt(squares);
  });
}

/**
 * Finds for each row of `original` the one of `other` with the same direction, whatever its place, size and sign.
 *
 * @param other with the same columns.
 * @returns its row, or −1 where there is none left.
 */
export function matchRows(original: StepRows, other: StepRows): Int32Array {
  const [norms, otherNorms] = [normsOf(original), normsOf(other)];
  const columns = byColumn(other);
  const dots = new Float64Array(other.rows);
  /** Absolute cosines of a row with all of the others. */
  const cosines = (r: number): Float64Array => {
    dots.fill(0);
    for (let e = original.start[r]!; e < original.start[r + 1]!; e++) {
      const [column, value] = [original.column[e]!, original.value[e]!];
      for (let at = columns.start[column]!; at < columns.start[column + 1]!; at++)
        dots[columns.row[at]!]! += value * columns.value[at]!;
    }
    return dots.map((dot, other) => Math.abs(dot) / (norms[r]! * otherNorms[other]! || Infinity));
  };
  const found = new Int32Array(original.rows).fill(-1);
  const taken = new Uint8Array(other.rows);
  const take = (r: number, row: number): void => {
    found[r] = row;
    taken[row] = 1;
  };
  const open: { readonly row: number; readonly best: number }[] = [];
  for (let row = 0; row < original.rows; row++) {
    const own = row < other.rows ? cosineInPlace(original, other, row) : 0;
    if (own >= SURE) take(row, row);
    else open.push({ row, best: 0 });
  }
  const order = open
    .map(({ row }) => ({ row, best: cosines(row).reduce((a, b) => Math.max(a, b), 0) }))
    .sort((a, b) => b.best - a.best);
  for (const { row } of order) {
    let [best, at] = [LEAST, -1];
    cosines(row).forEach((cosine, candidate) => {
      if (taken[candidate] === 0 && cosine > best) [best, at] = [cosine, candidate];
    });
    if (at >= 0) take(row, at);
  }
  return found;
}

/** Absolute cosine of the rows of one number. */
function cosineInPlace(original: StepRows, other: StepRows, row: number): number {
  const values = new Map<number, number>();
  let [squares, otherSquares, dot] = [0, 0, 0];
  for (let e = other.start[row]!; e < other.start[row + 1]!; e++) {
    values.set(other.column[e]!, other.value[e]!);
    otherSquares += other.value[e]! ** 2;
  }
  for (let e = original.start[row]!; e < original.start[row + 1]!; e++) {
    squares += original.value[e]! ** 2;
    dot += original.value[e]! * (values.get(original.column[e]!) ?? 0);
  }
  return Math.abs(dot) / (Math.sqrt(squares * otherSquares) || Infinity);
}
