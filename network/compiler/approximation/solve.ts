import { NetworkError } from '#network/errors.ts';

/**
 * Solves a small dense linear system by elimination with row pivoting.
 *
 * @param matrix row-major, n × n; destroyed.
 * @throws NetworkError NETWORK_DATA if the matrix is singular.
 */
export function solve(matrix: Float64Array, right: Float64Array): Float64Array {
  const n = right.length;
  for (let column = 0; column < n; column++) {
    let pivot = column;
    for (let row = column + 1; row < n; row++) {
      if (Math.abs(matrix[row * n + column]!) > Math.abs(matrix[pivot * n + column]!)) pivot = row;
    }
    const largest = matrix[pivot * n + column]!;
    if (!(Math.abs(largest) > 1e-300)) {
      throw new NetworkError('NETWORK_DATA', 'too few different values to fit a polynomial of this degree');
    }
    if (pivot !== column) {
      for (let k = 0; k < n; k++) {
        const kept = matrix[column * n + k]!;
        matrix[column * n + k] = matrix[pivot * n + k]!;
        matrix[pivot * n + k] = kept;
      }
      const kept = right[column]!;
      right[column] = right[pivot]!;
      right[pivot] = kept;
    }
    for (let row = column + 1; row < n; row++) {
      const factor = matrix[row * n + column]! / largest;
      for (let k = column; k < n; k++) matrix[row * n + k]! -= factor * matrix[column * n + k]!;
      right[row]! -= factor * right[column]!;
    }
  }
  for (let row = n - 1; row >= 0; row--) {
    for (let k = row + 1; k < n; k++) right[row]! -= matrix[row * n + k]! * right[k]!;
    right[row]! /= matrix[row * n + row]!;
  }
  return right;
}
