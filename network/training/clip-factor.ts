import type { Parameter } from './layers/layer.ts';

/** Factor that limits the common norm of all gradients to `largest`. */
export function clipFactor(parameters: readonly Parameter[], largest: number): number {
  let squares = 0;
  for (const { gradients } of parameters) for (const g of gradients) squares += g * g;
  const norm = Math.sqrt(squares);
  return norm > largest ? largest / norm : 1;
}
