import type { StepRows } from './step-rows.ts';

/** Rounds of alternating least squares; each is exact in rows or columns. */
const ROUNDS = 6;

/**
 * Fits the factors that a thief may give rows and columns without changing what the network answers, and returns what remains:
 * other = row · column · (original + difference).
 *
 * @param values the other network's entry for each of the original's; zeros count as missing.
 * @param freeColumns whether columns may have factors of their own, by column.
 * @returns differences, NaN where the entry is missing; and the factor of each row.
 */
export function fitScales(
  { rows, columns, start, column, value }: StepRows,
  values: Float64Array,
  freeColumns: Uint8Array,
): { readonly differences: Float64Array; readonly rowFactors: Float64Array } {
  const rowFactors = new Float64Array(rows).fill(1);
  const columnFactors = new Float64Array(columns).fill(1);
  for (let round = 0; round < ROUNDS; round++) {
    const [rowDots, rowSquares] = [new Float64Array(rows), new Float64Array(rows)];
    for (let r = 0; r < rows; r++) {
      for (let e = start[r]!; e < start[r + 1]!; e++) {
        if (values[e] === 0) continue;
        const expected = value[e]! * columnFactors[column[e]!]!;
        rowDots[r]! += values[e]! * expected;
        rowSquares[r]! += expected * expected;
      }
      rowFactors[r] = rowDots[r]! / rowSquares[r]! || 0;
    }
    const [dots, squares] = [new Float64Array(columns), new Float64Array(columns)];
    for (let r = 0; r < rows; r++) {
      for (let e = start[r]!; e < start[r + 1]!; e++) {
        if (values[e] === 0) continue;
        const expected = value[e]! * rowFactors[r]!;
        dots[column[e]!]! += values[e]! * expected;
        squares[column[e]!]! += expected * expected;
      }
    }
    for (let c = 0; c < columns; c++)
      if (freeColumns[c] === 1) columnFactors[c] = dots[c]! / squares[c]! || 0;
  }
  const differences = new Float64Array(value.length).fill(NaN);
  for (let r = 0; r < rows; r++) {
    for (let e = start[r]!; e < start[r + 1]!; e++) {
      const factor = rowFactors[r]! * columnFactors[column[e]!]!;
      if (values[e] !== 0 && factor !== 0) differences[e] = values[e]! / factor - value[e]!;
    }
  }
  return { differences, rowFactors };
}
