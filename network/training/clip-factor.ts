import type { Parameter } from './layers/layer.ts';

/** What all gradients are to be multiplied by so that their common norm is at most `largest`. */
export function clipFactor(parameters: readonly Parameter[], largest: number): number {
  let squares = 0;
  for (const { gradients } of parameters) for (const g of gradients) squares += g * g;
  const norm = Math.sqrt(squares);
  return norm > largest ? largest / norm : 1;
}
