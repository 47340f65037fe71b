import type { Place } from './place.ts';

/** Size of a map in cells, and its labels. */
export type MapShape = { readonly classes: number; readonly height: number; readonly width: number };

/** What one place adds to all cells of a large map. */
export const massOf = (spread: number): number => 2 * Math.PI * spread * spread;

/**
 * Draws what a network shall answer: a bell for each place, 1 in its middle, on the map of its class.
 *
 * @param target classes × height × width values
 * @param spread standard deviation of a bell in cells
 */
export function drawTarget(
  target: Float32Array,
  places: readonly Place[],
  { height, width }: MapShape,
  spread: number,
): void {
  target.fill(0);
  const reach = Math.ceil(4 * spread);
  for (const place of places) {
    // In cells; the middle of a cell is a half.
    const x = place.x * width - 0.5;
    const y = place.y * height - 0.5;
    for (let row = Math.max(0, Math.floor(y) - reach); row <= Math.min(height - 1, y + reach); row++) {
      for (
        let column = Math.max(0, Math.floor(x) - reach);
        column <= Math.min(width - 1, x + reach);
        column++
      ) {
        const squares = (row - y) ** 2 + (column - x) ** 2;
        target[(place.class * height + row) * width + column]! += Math.exp(-squares / (2 * spread * spread));
      }
    }
  }
}
