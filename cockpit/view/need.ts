import type { Tone } from './tone.ts';

/** Whoever is needed most first; what is unknown needs somebody before what only takes its time. */
const BY_NEED: readonly Tone[] = ['bad', 'warn', 'off', 'wait', 'good'];

/** Order of two states by how much they need somebody; negative where the first needs more. */
export function byNeed(left: Tone, right: Tone): number {
  return BY_NEED.indexOf(left) - BY_NEED.indexOf(right);
}

/** Whether somebody should come. */
export function needsSomebody(tone: Tone): boolean {
  return tone === 'bad' || tone === 'warn';
}
