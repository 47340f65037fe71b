import { NetworkError } from '#network/errors.ts';

/**
 * y = W·x + b with a sparse W (compressed rows, columns ascending). Entries are there because the network's *structure* connects
 * the two values, never because of their value: a trained weight that happens to be zero stays an entry, so that no layout based on this
 * pattern can depend on a trained parameter.
 */
export type Affine = {
  readonly rows: number;
  readonly columns: number;
  /** Entries of row r: `start[r]` to `start[r + 1]`. */
  readonly start: Int32Array;
  readonly column: Int32Array;
  readonly weight: Float64Array;
  readonly bias: Float64Array;
};

/** Maximum number of entries of a matrix. */
const MAX_ENTRIES = 2 ** 26;

/** @throws NetworkError NETWORK_TOO_LARGE beyond 2^26 entries. */
export function checkEntries(count: number): void {
  if (count > MAX_ENTRIES)
    throw new NetworkError('NETWORK_TOO_LARGE', `a linear layer has more than ${MAX_ENTRIES} weights`);
}

/** Collects the entries of an {@link Affine} row by row. */
export class AffineBuilder {
  readonly #columns: number;
  readonly #start: number[] = [0];
  readonly #bias: number[] = [];
  #column = new Int32Array(1024);
  #weight = new Float64Array(1024);
  #count = 0;

  constructor(columns: number) {
    this.#columns = columns;
  }

  /** Adds an entry to the current row. @throws NetworkError NETWORK_TOO_LARGE beyond 2^26 entries. */
  entry(column: number, weight: number): void {
    if (this.#count === this.#column.length) {
      checkEntries(this.#count + 1);
      const columns = new Int32Array(2 * this.#count);
      columns.set(this.#column);
      this.#column = columns;
      const weights = new Float64Array(2 * this.#count);
      weights.set(this.#weight);
      this.#weight = weights;
    }
    this.#column[this.#count] = column;
    this.#weight[this.#count++] = weight;
  }

  /** Ends the row. Columns may come in any order, but each only once. */
  endRow(bias: number): void {
    const from = this.#start.at(-1)!;
    const column = this.#column.subarray(from, this.#count);
    if (column.some((value, i) => i > 0 && value < column[i - 1]!)) {
      const order = Array.from(column.keys()).sort((a, b) => column[a]! - column[b]!);
      const weight = this.#weight.slice(from, this.#count);
      const unsorted = column.slice();
      order.forEach((source, to) => {
        column[to] = unsorted[source]!;
        this.#weight[from + to] = weight[source]!;
      });
    }
    this.#start.push(this.#count);
    this.#bias.push(bias);
  }

  build(): Affine {
    return {
      rows: this.#bias.length,
      columns: this.#columns,
      start: Int32Array.from(this.#start),
      column: this.#column.slice(0, this.#count),
      weight: this.#weight.slice(0, this.#count),
      bias: Float64Array.from(this.#bias),
    };
  }
}

/** y = W·x + b. */
export function applyAffine(affine: Affine, x: ArrayLike<number>): Float64Array {
  return Float64Array.from({ length: affine.rows }, (_, row) => {
    let sum = affine.bias[row]!;
    for (let e = affine.start[row]!; e < affine.start[row + 1]!; e++)
      sum += affine.weight[e]! * x[affine.column[e]!]!;
    return sum;
  });
}

/** Multiplies the outputs by `row` and the inputs by `column`: y = row · (W · column · x + b). */
export function scaleAffine(affine: Affine, row: number, column: number): Affine {
  return {
    ...affine,
    weight: affine.weight.map((weight) => weight * row * column),
    bias: affine.bias.map((bias) => bias * row),
  };
}

/** Largest number of entries in a row. */
export function widestRow(affine: Affine): number {
  let widest = 0;
  for (let row = 0; row < affine.rows; row++)
    widest = Math.max(widest, affine.start[row + 1]! - affine.start[row]!);
  return widest;
}
