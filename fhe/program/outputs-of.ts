import type { Interpretation } from './interpretation.ts';

/** How many numbers a network answers with about one picture or region: one for each label, or for each label and cell of its map. */
export function outputsOf({ labels, map }: Pick<Interpretation, 'labels' | 'map'>): number {
  return labels.length * (map === undefined ? 1 : map.height * map.width);
}
